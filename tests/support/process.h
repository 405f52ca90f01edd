// Process: another program under a test's control, started, watched and ended.
//
// What it prints goes to files in memory, so it never waits for a reader and can be read at any
// time. It is killed when the object goes, and by the kernel when the test itself is killed.
//
// Errors:  what cannot happen on a sound machine throws and fails the test case.
// Threads: one, which must outlive the process: the kernel kills it with the thread that began it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rollcall {

class Process {
public:
    // command: a program, looked for in PATH, and its arguments. environment: "NAME=value" each,
    // besides the test's own.
    explicit Process(const std::vector<std::string>& command,
                     const std::vector<std::string>& environment = {}, std::string_view input = {});
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }
    void send(int signal) const;

    // The exit status, or 128 + the signal that ended it, as a shell says it; nothing if it still
    // runs when the time is over.
    std::optional<int> wait(std::chrono::milliseconds limit);

    [[nodiscard]] std::string output() const;  // So far.
    [[nodiscard]] std::string errors() const;

private:
    int output_;
    int errors_;
    pid_t pid_;
    std::optional<int> status_;
};

struct Finished {
    int status;
    std::string output;
    std::string errors;
};

// Runs a command to its end; throws if that takes longer than a minute.
[[nodiscard]] Finished run(const std::vector<std::string>& command,
                           const std::vector<std::string>& environment = {},
                           std::string_view input = {});

}  // namespace rollcall
