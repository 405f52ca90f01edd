#include "tests/support/injected_error.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
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
    : daemon_(pid),
      call_(call),
      strace_(command(pid, call, error, path, directory_.path() / "trace")) {
    for (int tries = 0; strace_.errors().find(" attached") == std::string::npos; ++tries) {
        if (tries == 500 || strace_.wait(20ms))
            throw std::runtime_error("strace does not attach: " + strace_.errors());
    }
}

// Stops all threads of the daemon before strace detaches. strace makes a call fail in two steps: at
// the start of the call it replaces the number of the call by an invalid one, and at the end it
// sets the error. If strace detached between these steps, the call would return ENOSYS. A stopped
// thread is not in a call.
void InjectedError::end() {
    if (strace_.wait(0ms)) return;  // The daemon has exited, and strace with it.
    kill(daemon_, SIGSTOP);
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (!all_threads_are_stopped() && !strace_.wait(0ms)) {
        if (std::chrono::steady_clock::now() > deadline)
            throw std::runtime_error("the daemon does not stop");
        std::this_thread::sleep_for(5ms);
    }
    strace_.send(SIGINT);
    if (!strace_.wait(10s)) throw std::runtime_error("strace does not detach");
    kill(daemon_, SIGCONT);
}

bool InjectedError::all_threads_are_stopped() const {
    const auto lines = trace();
    std::error_code exited;  // Set if the daemon has exited, so that it has no threads.
    const std::filesystem::directory_iterator threads(fmt::format("/proc/{}/task", daemon_),
                                                      exited);
    return std::ranges::all_of(threads, [&](const auto& thread) {
        const std::string id = thread.path().filename();
        return std::ranges::any_of(lines, [&](const std::string& line) {
            return line.starts_with(id + " ") && line.ends_with("--- stopped by SIGSTOP ---");
        });
    });
}

std::vector<std::string> InjectedError::calls() const {
    auto lines = trace();
    std::erase_if(lines, [&](const std::string& line) {
        return line.find(call_ + "(") == std::string::npos;
    });
    return lines;
}

std::vector<std::string> InjectedError::trace() const {
    std::vector<std::string> lines;
    std::ifstream file(directory_.path() / "trace");
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
}

}  // namespace rollcall
