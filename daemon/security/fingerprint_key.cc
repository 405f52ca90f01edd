#include "daemon/security/fingerprint_key.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "daemon/security/signatures.h"
#include "pipeline/base/files.h"

namespace rollcall {

namespace {

constexpr size_t key_bytes_min = 32;
constexpr size_t key_bytes_max = 4096;

// A file descriptor that closes itself.
class Descriptor {
public:
    Descriptor(const std::string& path, int flags)
        : fd_(open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
    ~Descriptor() {
        if (fd_ >= 0) close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    [[nodiscard]] int get() const { return fd_; }

private:
    int fd_;
};

Result<void> check(const struct stat& file) {
    if (!S_ISREG(file.st_mode)) return fail(Code::bad_file, "is not a regular file");
    if ((file.st_mode & S_IRWXO) != 0)
        return fail(Code::bad_file, "can be used by everyone on this machine; chmod o-rwx");
    const auto bytes = static_cast<size_t>(file.st_size);
    if (bytes < key_bytes_min || bytes > key_bytes_max)
        return fail(Code::bad_file,
                    fmt::format("has {} bytes, but a key has {} to {}; make one with: "
                                "head -c 32 /dev/urandom | base64",
                                bytes, key_bytes_min, key_bytes_max));
    return {};
}

// Returns the content of the file without trailing blanks and line ends.
Result<std::string> read_content(int fd) {
    struct stat file{};
    if (fstat(fd, &file) != 0) return fail(Code::unreadable_file, errno);
    if (auto checked = check(file); !checked) return std::unexpected(checked.error());
    std::string content(static_cast<size_t>(file.st_size), '\0');
    const ssize_t count = pread(fd, content.data(), content.size(), 0);
    if (count != file.st_size) return fail(Code::unreadable_file, count < 0 ? errno : 0);
    while (!content.empty() && std::strchr(" \t\r\n", content.back()) != nullptr)
        content.pop_back();
    if (content.size() < key_bytes_min / 2)
        return fail(Code::bad_file, "holds almost nothing but blanks");
    return content;
}

// Writes a file and syncs it. After a failure, an incomplete file can remain.
Result<void> write_synced(const std::string& path, const std::string& directory,
                          std::string_view content) {
    const Descriptor file(path, O_WRONLY | O_CREAT | O_TRUNC);
    if (file.get() < 0 || fchmod(file.get(), 0600) != 0 ||
        write(file.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size()) ||
        fsync(file.get()) != 0)
        return fail(Code::unreadable_file, errno, path);
    return give_to_owner(file.get(), directory);
}

// Creates a key. If another process has created a key first, that key stays, because link(2) never
// replaces a file.
Result<void> make_key(const std::string& state_dir, const std::string& path) {
    std::string content = to_hex(sha256(random_bytes(key_bytes_min))) + "\n";
    const std::string unfinished = fmt::format("{}.{}", path, getpid());
    auto written = write_synced(unfinished, state_dir, content);
    cleanse(content);
    if (written && link(unfinished.c_str(), path.c_str()) != 0 && errno != EEXIST)
        written = fail(Code::unreadable_file, errno, path);
    unlink(unfinished.c_str());
    if (!written) return written;
    return Files().sync_directory(state_dir);
}

}  // namespace

Result<KeyedHash::Key> read_fingerprint_key(const std::string& path) {
    const Descriptor file(path, O_RDONLY | O_NONBLOCK);
    if (file.get() < 0) return fail(Code::unreadable_file, errno, path);
    auto content = read_content(file.get());
    if (!content) return std::unexpected(in_context(path, content.error()));
    const Digest digest = sha256(*content);
    cleanse(*content);
    KeyedHash::Key key;
    static_assert(sizeof key == sizeof digest);
    std::memcpy(key.data(), digest.data(), sizeof key);
    return key;
}

Result<KeyedHash::Key> own_fingerprint_key(const std::string& state_dir) {
    const std::string path = state_dir + "/fingerprint_key";
    if (access(path.c_str(), F_OK) != 0 && errno == ENOENT)
        if (auto made = make_key(state_dir, path); !made) return std::unexpected(made.error());
    return read_fingerprint_key(path);
}

}  // namespace rollcall
