// Syscalls: the system calls of a daemon, in the order in which strace saw them.
//
// strace sees the beginning of a call before the kernel executes it, and the end before the thread
// continues. So if strace sees the end of one call before the beginning of another one, the first
// call happened before the second, even in different threads.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace rollcall {

struct Syscall {
    std::string text;  // In strace's format: `fdatasync(7</tmp/file>) = 0`.
    size_t begun;      // Line numbers in the trace. Only their order matters.
    size_t ended;
    std::string thread;  // The id of the thread that made the call.

    [[nodiscard]] bool is(std::string_view name) const {
        return text.starts_with(name) && text.substr(name.size()).starts_with('(');
    }
    [[nodiscard]] bool holds(std::string_view words) const {
        return text.find(words) != std::string::npos;
    }
};

// Returns the words to put before a command, so that strace writes the system calls of all its
// threads to the file. The started process is the command itself, and strace runs in a separate
// process (-D). When strace ends, the trace is complete.
[[nodiscard]] std::vector<std::string> traced_into(const std::filesystem::path& file,
                                                   std::string_view calls);

// Waits until the traced process has exited. Returns the calls in the order of their ends.
[[nodiscard]] std::vector<Syscall> read_trace(const std::filesystem::path& file);

}  // namespace rollcall
