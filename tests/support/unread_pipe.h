// UnreadPipe: a named pipe that holds one page. When it is full, writers block until the test
// reads.
//
// Threads: one.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace rollcall {

class UnreadPipe {
public:
    explicit UnreadPipe(std::filesystem::path path) : path_(std::move(path)) {
        if (mkfifo(path_.c_str(), 0600) != 0) throw std::runtime_error("mkfifo");
        fd_ = open(path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
        if (fd_ < 0 || fcntl(fd_, F_SETPIPE_SZ, 4096) < 0) throw std::runtime_error("pipe");
    }
    ~UnreadPipe() { close(fd_); }
    UnreadPipe(const UnreadPipe&) = delete;
    UnreadPipe& operator=(const UnreadPipe&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    void fill() const {
        while (write(fd_, "x", 1) == 1) continue;
    }
    [[nodiscard]] std::string read() const {
        std::string text;
        std::array<char, 4096> piece;
        for (ssize_t count = 0; (count = ::read(fd_, piece.data(), piece.size())) > 0;)
            text.append(piece.data(), static_cast<size_t>(count));
        return text;
    }

private:
    std::filesystem::path path_;
    int fd_ = -1;
};

}  // namespace rollcall
