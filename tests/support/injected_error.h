// InjectedError: a system call of a running daemon that fails, from now on until the object goes.
//
// strace lets the call fail without asking the kernel, and writes down each of these calls.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

namespace rollcall {

class InjectedError {
public:
    // Of all threads; of calls on this path only, if one is given.
    InjectedError(pid_t pid, std::string_view call, std::string_view error,
                  const std::string& path = {});
    ~InjectedError() { end(); }
    InjectedError(const InjectedError&) = delete;
    InjectedError& operator=(const InjectedError&) = delete;

    void end();
    // Those so far; all, after end(). As strace writes them.
    [[nodiscard]] std::vector<std::string> calls() const;

private:
    std::string call_;
    TemporaryDirectory directory_;
    Process strace_;
};

}  // namespace rollcall
