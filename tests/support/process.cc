#include "tests/support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <stdexcept>
#include <system_error>

namespace rollcall {

namespace {

int checked(int result, const char* what) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), what);
    return result;
}

int memory_file(std::string_view content = {}) {
    const int fd = checked(memfd_create("process", MFD_CLOEXEC), "memfd_create");
    if (!content.empty()) checked(int(pwrite(fd, content.data(), content.size(), 0)), "pwrite");
    return fd;
}

std::string content_of(int fd) {
    struct stat status{};
    checked(fstat(fd, &status), "fstat");
    std::string content(static_cast<size_t>(status.st_size), '\0');
    checked(int(pread(fd, content.data(), content.size(), 0)), "pread");
    return content;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> all;
    for (auto& text : texts) all.push_back(text.data());
    all.push_back(nullptr);
    return all;
}

}  // namespace

Process::Process(const std::vector<std::string>& command,
                 const std::vector<std::string>& environment, std::string_view input)
    : output_(memory_file()), errors_(memory_file()) {
    const int input_file = memory_file(input);
    auto arguments = command;
    // If a variable occurs several times, the first one counts. So the variables of this process
    // come last.
    auto variables = environment;
    for (char** own = environ; *own != nullptr; ++own) variables.emplace_back(*own);
    const auto argument_pointers = pointers(arguments);
    const auto variable_pointers = pointers(variables);

    pid_ = checked(fork(), "fork");
    if (pid_ == 0) {  // Only async-signal-safe calls are allowed here (fork(2)).
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(input_file, STDIN_FILENO);
        dup2(output_, STDOUT_FILENO);
        dup2(errors_, STDERR_FILENO);
        execvpe(argument_pointers[0], argument_pointers.data(), variable_pointers.data());
        _exit(127);
    }
    close(input_file);
}

Process::~Process() {
    if (!status_) {
        send(SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
    close(output_);
    close(errors_);
}

int64_t Process::memory_kib(std::string_view field) const {
    std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
    const std::string wanted = std::string(field) + ":";
    for (std::string word; status >> word;)
        if (int64_t kib = 0; word == wanted && status >> kib) return kib;
    return -1;
}

void Process::send(int signal) const {
    if (!status_) kill(pid_, signal);
}

std::optional<int> Process::wait(std::chrono::milliseconds limit) {
    if (status_) return status_;
    // pidfd_open() cannot be used: glibc 2.36 declares it without extern "C".
    const auto pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
    pollfd ended{checked(pidfd, "pidfd_open"), POLLIN, 0};
    const int ready = poll(&ended, 1, static_cast<int>(limit.count()));
    close(ended.fd);
    if (ready <= 0) return std::nullopt;
    int status = 0;
    checked(waitpid(pid_, &status, 0), "waitpid");
    status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return status_;
}

std::string Process::output() const { return content_of(output_); }
std::string Process::errors() const { return content_of(errors_); }

Finished run(const std::vector<std::string>& command, const std::vector<std::string>& environment,
             std::string_view input) {
    Process process(command, environment, input);
    const auto status = process.wait(std::chrono::minutes(1));
    if (!status) throw std::runtime_error(command[0] + " did not end: " + process.errors());
    return {*status, process.output(), process.errors()};
}

}  // namespace rollcall
