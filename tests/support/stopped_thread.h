// StoppedThread: stops one thread of another process until the object is destroyed. The other
// threads of the process continue. To them, the thread seems to wait in a system call that does not
// return.
//
// Source:  ptrace(2), PTRACE_SEIZE.
// Threads: one.
#pragma once

#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace rollcall {

// Returns the id of a thread with this name in /proc, or 0 if there is none.
inline pid_t thread_named(pid_t process, std::string_view name) {
    const std::filesystem::path threads = "/proc/" + std::to_string(process) + "/task";
    for (const auto& thread : std::filesystem::directory_iterator(threads)) {
        std::string found;
        std::getline(std::ifstream(thread.path() / "comm"), found);
        if (found == name) return std::stoi(thread.path().filename());
    }
    return 0;
}

class StoppedThread {
public:
    explicit StoppedThread(pid_t thread) : thread_(thread) {
        if (thread == 0 || ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) != 0 ||
            ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr) != 0 ||
            waitpid(thread, nullptr, __WALL) != thread)
            throw std::runtime_error("cannot stop a thread");
    }
    ~StoppedThread() { ptrace(PTRACE_DETACH, thread_, nullptr, nullptr); }
    StoppedThread(const StoppedThread&) = delete;
    StoppedThread& operator=(const StoppedThread&) = delete;

    // Reaps the thread if it has ended. The process cannot end before its ended threads are reaped.
    void reap() const { waitpid(thread_, nullptr, __WALL | WNOHANG); }

private:
    pid_t thread_;
};

}  // namespace rollcall
