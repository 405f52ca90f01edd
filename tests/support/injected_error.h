// InjectedError: makes a system call of a running daemon fail until the object is destroyed.
//
// strace makes the call fail without executing it, and logs each failed call.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

namespace rollcall {

class InjectedError {
public:
    // Makes the call fail in all threads of the process. If `path` is not empty, only calls with
    // this path fail.
    InjectedError(pid_t pid, std::string_view call, std::string_view error,
                  const std::string& path = {});
    ~InjectedError() { end(); }
    InjectedError(const InjectedError&) = delete;
    InjectedError& operator=(const InjectedError&) = delete;

    void end();
    // Returns the failed calls so far, in strace's format. After end(), returns all of them.
    [[nodiscard]] std::vector<std::string> calls() const;

private:
    [[nodiscard]] bool all_threads_are_stopped() const;
    [[nodiscard]] std::vector<std::string> trace() const;  // The lines so far.

    pid_t daemon_;
    std::string call_;
    TemporaryDirectory directory_;
    Process strace_;
};

}  // namespace rollcall
