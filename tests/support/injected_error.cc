#include "tests/support/injected_error.h"

#include <fmt/core.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace rollcall {

namespace {

using namespace std::chrono_literals;

std::vector<std::string> command(pid_t pid, std::string_view call, std::string_view error,
                                 const std::string& path, const std::string& trace) {
    std::vector<std::string> words = {"strace",
                                      "-f",
                                      "-y",
                                      "-o",
                                      trace,
                                      "-p",
                                      std::to_string(pid),
                                      fmt::format("--trace={}", call),
                                      fmt::format("--inject={}:error={}", call, error)};
    if (!path.empty()) words.insert(words.end(), {"-P", path});
    return words;
}

}  // namespace

InjectedError::InjectedError(pid_t pid, std::string_view call, std::string_view error,
                             const std::string& path)
    : call_(call), strace_(command(pid, call, error, path, directory_.path() / "trace")) {
    for (int tries = 0; strace_.errors().find(" attached") == std::string::npos; ++tries) {
        if (tries == 500 || strace_.wait(20ms))
            throw std::runtime_error("strace does not attach: " + strace_.errors());
    }
}

void InjectedError::end() {
    strace_.send(SIGINT);
    strace_.wait(10s);
}

std::vector<std::string> InjectedError::calls() const {
    std::vector<std::string> found;
    std::ifstream trace(directory_.path() / "trace");
    for (std::string line; std::getline(trace, line);)
        if (line.find(call_ + "(") != std::string::npos) found.push_back(line);
    return found;
}

}  // namespace rollcall
