// Process: starts another program, watches it and ends it.
//
// The output of the program goes to memory files, so the program never waits for a reader, and the
// test can read the output at any time. The destructor kills the program. If the test itself is
// killed, the kernel kills the program.
//
// Errors:  an unexpected failure of the machine throws and fails the test case.
// Threads: one, which must outlive the process, because the kernel kills the process when the
// thread that started it ends.
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
    // command: a program, searched in PATH, and its arguments. environment: variables as
    // "NAME=value", in addition to those of the test.
    explicit Process(const std::vector<std::string>& command,
                     const std::vector<std::string>& environment = {}, std::string_view input = {});
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }
    // Returns a size in /proc/PID/status, such as "VmRSS" or "RssAnon" (proc_pid_status(5)), in
    // KiB; -1 if the process has exited.
    [[nodiscard]] int64_t memory_kib(std::string_view field) const;
    void send(int signal) const;

    // Returns the exit status, or 128 + the signal that ended the process, like a shell. Returns
    // nothing if the process is still running after the limit.
    std::optional<int> wait(std::chrono::milliseconds limit);

    [[nodiscard]] std::string output() const;  // The output so far.
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

// Runs a command and returns when it has exited. Throws if the command takes longer than a minute.
[[nodiscard]] Finished run(const std::vector<std::string>& command,
                           const std::vector<std::string>& environment = {},
                           std::string_view input = {});

}  // namespace rollcall
