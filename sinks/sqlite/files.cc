#include "sinks/sqlite/files.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "pipeline/base/log.h"

namespace rollcall {

namespace {

constexpr std::array<std::string_view, 3> suffixes = {"", "-wal", "-shm"};
constexpr size_t database = 0;
constexpr size_t journal = 1;
constexpr size_t journal_index = 2;
constexpr int orphans_max = 1000;
constexpr uint64_t room_min = uint64_t{1} << 20;
constexpr mode_t mode = 0644;  // The mode that SQLite gives a new database.

std::string directory_of(const std::string& path) {
    const size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

}  // namespace

SqliteFiles::SqliteFiles(std::string path) : path_(std::move(path)) {}

std::string SqliteFiles::path(size_t file) const { return path_ + std::string(suffixes[file]); }

Result<void> SqliteFiles::prepare() {
    if (auto kept = keep_wal_of_moved_database(); !kept) return kept;
    if (auto created = create_if_missing(); !created) return created;
    const auto found = identity(database);
    if (!found) return std::unexpected(found.error());
    remembered_ = {*found};
    return {};
}

Result<void> SqliteFiles::check_room(uint64_t written_bytes) const {
    const std::string directory = directory_of(path_);
    struct statvfs disk{};
    // If the directory cannot be read, opening the database fails and reports the reason.
    if (statvfs(directory.c_str(), &disk) != 0) return {};
    // PATH-shm needs 32 KiB for every 4,096 pages of the existing WAL.
    struct stat wal{};
    const bool has_wal = stat(path(journal).c_str(), &wal) == 0;
    const uint64_t index_bytes = has_wal ? static_cast<uint64_t>(wal.st_size) / 256 : 0;
    const uint64_t room = uint64_t{disk.f_bavail} * disk.f_frsize;
    if (room >= room_min + index_bytes + written_bytes) return {};
    return fail(Code::disk_full, ENOSPC,
                fmt::format("{}: its disk has {} MiB left, and a batch may need {}", directory,
                            room >> 20, ((room_min + index_bytes + written_bytes) >> 20) + 1));
}

// SQLite deletes the WAL of an empty database. Source: pager.c, pagerOpenWalIfPresent().
Result<void> SqliteFiles::keep_wal_of_moved_database() {
    const auto file = files_.open(path_, Files::Open::existing_read_only);
    // If the database cannot be read, opening it later fails and reports the reason.
    if (!file && file.error().os_errno != ENOENT) return {};
    if (file && (*file)->size().value_or(1) > 0) return {};
    const auto wal = files_.open(path(journal), Files::Open::existing_read_only);
    if (!wal || (*wal)->size().value_or(0) == 0) return {};
    if (auto kept = keep_orphan(); !kept) return kept;
    if (auto removed = files_.remove(path(journal_index));
        !removed && removed.error().os_errno != ENOENT)
        return removed;
    return {};
}

// Renames PATH-wal to an unused name, so that an operator can restore the file.
Result<void> SqliteFiles::keep_orphan() {
    const std::string wal = path(journal);
    for (int number = 0; number < orphans_max; ++number) {
        const std::string orphan =
            number == 0 ? wal + ".orphan" : fmt::format("{}.orphan.{}", wal, number);
        const auto taken = files_.status(orphan);
        if (taken) continue;
        if (taken.error().os_errno != ENOENT) return std::unexpected(taken.error());
        log(LogLevel::warning,
            "sink sqlite: {0} was left behind when its database {1} was moved away. {0} may "
            "contain "
            "rows, so the daemon has renamed it to {2}. To restore these rows, rename that file to "
            "DB-wal, where DB is the moved database, and open DB with sqlite3",
            wal, path_, orphan);
        return files_.rename(wal, orphan);
    }
    return fail(Code::unreadable_file,
                fmt::format("there are {} files {}.orphan.*; move them away", orphans_max, wal));
}

Result<void> SqliteFiles::create_if_missing() const {
    const int fd = ::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0 && errno == EEXIST) return {};
    if (fd < 0) {
        const int why = errno;
        if (auto found = check_directory(directory_of(path_), "sqlite.path"); !found) return found;
        return fail(Code::unreadable_file, why, "it is missing and cannot be created");
    }
    auto given = give_to_owner(fd, directory_of(path_));
    if (!given) unlink(path_.c_str());
    close(fd);
    return given;
}

// Returns nothing if there is no file at the path.
Result<std::optional<FileIdentity>> SqliteFiles::identity(size_t file) {
    const auto status = files_.status(path(file));
    if (status) return status->identity;
    if (status.error().os_errno == ENOENT) return std::nullopt;
    return fail(Code::unreadable_file, status.error().os_errno, "its status cannot be read");
}

Result<void> SqliteFiles::remember() {
    const auto before = remembered_[database];
    for (size_t file = 0; file < suffixes.size(); ++file) {
        const auto found = identity(file);
        if (!found) return std::unexpected(found.error());
        remembered_[file] = *found;
    }
    if (before && remembered_[database] != before)
        return fail(Code::file_replaced,
                    fmt::format("{} was replaced while the sink was opening it", path_));
    return {};
}

bool SqliteFiles::is_remembered(size_t file) {
    const auto found = identity(file);
    return found && *found && *found == remembered_[file];
}

Result<void> SqliteFiles::check() {
    for (size_t file = 0; file < suffixes.size(); ++file) {
        // A database with a rollback journal has neither PATH-wal nor PATH-shm.
        if (!remembered_[file] || is_remembered(file)) continue;
        return fail(Code::file_replaced,
                    fmt::format("{} was removed, moved or replaced while it was open; the sink "
                                "now opens the database {}, creates it if it is missing, and "
                                "stores again the records that it lacks, as far as the spool still "
                                "has them",
                                path(file), path_));
    }
    return {};
}

Result<void> SqliteFiles::remove_orphans(Wal wal) {
    if (is_remembered(database)) return {};
    if (is_remembered(journal)) {
        auto done = wal == Wal::empty ? files_.remove(path(journal)) : keep_orphan();
        if (!done) return done;
    }
    if (is_remembered(journal_index)) return files_.remove(path(journal_index));
    return {};
}

}  // namespace rollcall
