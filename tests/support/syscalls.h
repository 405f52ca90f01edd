// Syscalls: what a daemon asked of the kernel, in the order in which strace saw it.
//
// strace sees a call begin before the kernel does it, and end before the thread goes on. So if the
// end of one call is seen before the beginning of another, in whatever threads, it was before it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace rollcall {

struct Syscall {
    std::string text;  // As strace writes it: `fdatasync(7</tmp/file>) = 0`.
    size_t begun;      // Lines of the trace: only their order means something.
    size_t ended;

    [[nodiscard]] bool is(std::string_view name) const {
        return text.starts_with(name) && text.substr(name.size()).starts_with('(');
    }
    [[nodiscard]] bool holds(std::string_view words) const {
        return text.find(words) != std::string::npos;
    }
};

// Put before a command, traces it and all its threads into the file. The command is the process
// that was started; strace follows from aside (-D) and is done when the trace says so.
[[nodiscard]] std::vector<std::string> traced_into(const std::filesystem::path& file,
                                                   std::string_view calls);

// Waits until the traced process has ended. In the order of their ends.
[[nodiscard]] std::vector<Syscall> read_trace(const std::filesystem::path& file);

}  // namespace rollcall
