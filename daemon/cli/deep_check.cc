#include "daemon/cli/deep_check.h"

#include <fmt/core.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <filesystem>
#include <initializer_list>

#include "daemon/cli/schema_command.h"
#include "daemon/open_files.h"
#include "pipeline/base/error.h"
#include "pipeline/base/secret.h"
#include "pipeline/spool/inspection.h"
#include "sinks/sqlite/sink.h"

namespace rollcall {

namespace {

using Problems = std::vector<std::string>;

void check_state_directory(const std::string& state_dir, Problems& problems) {
    if (access(state_dir.c_str(), R_OK | W_OK | X_OK) != 0)
        problems.push_back(
            fmt::format("{}: this user cannot read and write this directory; run the command as "
                        "the daemon's user",
                        state_dir));
}

void check_spool(const std::string& directory, Problems& problems) {
    ReadOnlyFiles files;
    const auto spool = inspect_spool(files, directory, true, [](uint64_t, uint64_t) {});
    if (!spool)
        problems.push_back(describe(in_context(directory, spool.error())));
    else if (const uint64_t damaged = spool->damaged_records(); damaged > 0)
        problems.push_back(fmt::format("{}: {} records are damaged; see rollcalld spool verify",
                                       directory, damaged));
}

void check_disk_space(const Settings& settings, const std::string& state_dir, Problems& problems) {
    struct statvfs disk{};
    if (statvfs(state_dir.c_str(), &disk) != 0) return;
    uint64_t room = uint64_t{disk.f_bavail} * disk.f_frsize;
    std::error_code none;
    for (const auto& file : std::filesystem::directory_iterator(state_dir + "/spool", none))
        if (file.is_regular_file(none)) room += file.file_size(none);
    if (room < settings.spool.size_max.count)
        problems.push_back(fmt::format("spool.size_max: the disk of {} has room for {} bytes only",
                                       state_dir, room));
}

void check_descriptors(const Settings& settings, Problems& problems) {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    const uint64_t wanted = settings.general.connections_max + open_files::files_reserved;
    if (limit.rlim_max < wanted)
        problems.push_back(
            fmt::format("connections_max: the daemon may need {} open files, but the limit of this "
                        "user is {}; raise LimitNOFILE= of the service",
                        wanted, limit.rlim_max));
}

// Checks the tables. Tries the dialects in order, until the database accepts one.
void check_tables(const Settings& settings, const std::string& state_dir, const std::string& sink,
                  std::initializer_list<SqlDialect> dialects, Problems& problems) {
    std::string why;
    for (const SqlDialect dialect : dialects) {
        const auto report = diff_schema(settings, dialect, state_dir, {});
        if (report && report->same) return;
        why = report ? fmt::format("its tables differ; see rollcalld schema diff --dialect {}",
                                   to_text(dialect))
                     : describe(report.error());
        if (report) break;
    }
    problems.push_back(fmt::format("sink {}: {}", sink, why));
}

void check_sink(const Settings& settings, const std::string& state_dir, const std::string& name,
                Problems& problems) {
    std::error_code none;
    if (name == to_text(SinkName::sqlite) &&
        std::filesystem::exists(sqlite_path(settings, state_dir), none))
        check_tables(settings, state_dir, name, {SqlDialect::sqlite}, problems);
    if (name == to_text(SinkName::singlestore))
        check_tables(settings, state_dir, name, {SqlDialect::singlestore, SqlDialect::mariadb},
                     problems);
    if (name == to_text(SinkName::kafka) && !settings.kafka.password_file.empty())
        if (const auto secret = read_secret(settings.kafka.password_file); !secret)
            problems.push_back(describe(in_context("kafka.password_file", secret.error())));
}

}  // namespace

std::vector<std::string> deep_problems(const Settings& settings, const std::string& state_dir) {
    Problems problems;
    std::error_code none;
    if (std::filesystem::exists(state_dir, none)) {
        check_state_directory(state_dir, problems);
        if (std::filesystem::exists(state_dir + "/spool", none))
            check_spool(state_dir + "/spool", problems);
        check_disk_space(settings, state_dir, problems);
    }
    check_descriptors(settings, problems);
    for (const auto& name : settings.general.sinks) check_sink(settings, state_dir, name, problems);
    return problems;
}

}  // namespace rollcall
