#include "daemon/cli/revoke_token.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "daemon/security/json_web_token.h"
#include "daemon/security/revoked_tokens.h"
#include "pipeline/base/files.h"
#include "pipeline/base/utf8.h"

namespace rollcall {

namespace {

constexpr mode_t new_file_mode = 0640;

// The file of revoked tokens. The destructor closes the file, which also releases the lock.
class RevokedFile {
public:
    explicit RevokedFile(const std::string& path)
        : fd_(open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, new_file_mode)) {}
    ~RevokedFile() {
        if (fd_ >= 0) close(fd_);
    }
    RevokedFile(const RevokedFile&) = delete;
    RevokedFile& operator=(const RevokedFile&) = delete;

    [[nodiscard]] int fd() const { return fd_; }
    [[nodiscard]] bool lock() const { return fd_ >= 0 && flock(fd_, LOCK_EX) == 0; }
    // Appends a line with the id and syncs it, or changes nothing.
    [[nodiscard]] bool append(std::string_view id) const {
        const off_t end = lseek(fd_, 0, SEEK_END);
        char last = '\n';
        if (end < 0 || (end > 0 && pread(fd_, &last, 1, end - 1) != 1)) return false;
        const std::string line = fmt::format("{}{}\n", last == '\n' ? "" : "\n", id);
        if (write(fd_, line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
            fsync(fd_) == 0)
            return true;
        const int why = errno;
        (void)!ftruncate(fd_, end);
        errno = why;
        return false;
    }

private:
    int fd_;
};

// Returns true if the text can be the first word of a line in auth.revoked_file.
bool is_token_id(std::string_view id) {
    const auto is_printable = [](char c) { return static_cast<uint8_t>(c) > ' ' && c != 0x7f; };
    return !id.empty() && id.front() != '#' && utf8_valid(id) &&
           std::ranges::all_of(id, is_printable);
}

Result<void> check_request(const Settings& settings, std::string_view id) {
    if (settings.auth.revoked_file.empty())
        return fail(Code::bad_argument,
                    "auth.revoked_file is not set; set it to the file of revoked tokens");
    if (parse_json_web_token(id))
        return fail(Code::bad_argument,
                    "this is a token, not its id; `rollcalld token show` prints the id");
    if (!is_token_id(id))
        return fail(Code::bad_argument,
                    "an id is UTF-8, contains no blanks and does not begin with #");
    return check_owner(settings.auth.revoked_file);
}

// Gives the daemon access to a file that this command has created, and makes the file's name
// durable.
Result<void> settle_new_file(const RevokedFile& file, const Settings& settings) {
    const std::string& path = settings.auth.revoked_file;
    struct stat model{};
    if (stat(settings.auth.signing_keys_file.c_str(), &model) != 0 &&
        stat(parent_of(path).c_str(), &model) != 0)
        return fail(Code::unreadable_file, errno, path);
    if (fchmod(file.fd(), new_file_mode) != 0 ||
        (geteuid() == 0 && fchown(file.fd(), model.st_uid, model.st_gid) != 0))
        return fail(Code::unreadable_file, errno, path);
    return Files().sync_directory(parent_of(path));
}

std::string next_step(std::string_view done) {
    return fmt::format(
        "{}\nTo apply it, reload the daemon: systemctl reload rollcalld, or send it SIGHUP\n",
        done);
}

}  // namespace

Result<std::string> revoke_token(const Settings& settings, std::string_view id) {
    if (const auto checked = check_request(settings, id); !checked)
        return std::unexpected(checked.error());
    const std::string& path = settings.auth.revoked_file;
    std::error_code ignored;
    const bool is_new = !std::filesystem::exists(path, ignored);
    const RevokedFile file(path);
    if (!file.lock()) return fail(Code::unreadable_file, errno, path);
    if (is_new)
        if (const auto settled = settle_new_file(file, settings); !settled)
            return std::unexpected(in_context(path, settled.error()));
    const auto revoked = RevokedTokens::read(path, settings.auth.revoked_max);
    if (!revoked) return std::unexpected(revoked.error());
    if (revoked->contains(id)) return next_step(fmt::format("{} is already in {}", id, path));
    if (revoked->size() == settings.auth.revoked_max)
        return fail(Code::bad_argument,
                    fmt::format("{} already has as many ids as auth.revoked_max allows", path));
    if (!file.append(id)) return fail(Code::unreadable_file, errno, path);
    return next_step(fmt::format("{} was added to {}", id, path));
}

}  // namespace rollcall
