#include "tests/support/syscalls.h"

#include <chrono>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace rollcall {

namespace {

constexpr std::string_view unfinished = " <unfinished ...>";
constexpr std::string_view resumed = " resumed>";

// Returns true if the trace is complete: it begins with the first process and ends with the exit of
// that process.
bool is_whole(const std::string& trace) {
    const std::string process = trace.substr(0, trace.find(' '));
    const size_t last_line = trace.size() < 2 ? 0 : trace.rfind('\n', trace.size() - 2) + 1;
    return trace.ends_with(" +++\n") && trace.substr(last_line).starts_with(process + " ");
}

std::string whole_trace(const std::filesystem::path& file) {
    for (int tries = 0; tries < 200; ++tries) {
        std::ifstream trace(file);
        std::ostringstream text;
        text << trace.rdbuf();
        if (is_whole(text.str())) return text.str();
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    throw std::runtime_error("strace does not end its trace " + file.string());
}

}  // namespace

std::vector<std::string> traced_into(const std::filesystem::path& file, std::string_view calls) {
    return {"strace", "-D", "-f",          "-y",      "-s",
            "64",     "-o", file.string(), "--trace", std::string(calls)};
}

// Parses lines such as "4711  fdatasync(7</tmp/file>) = 0". If a call of another thread begins
// before a call ends, the call has two lines:
//
//     4711  fdatasync(7</tmp/file> <unfinished ...>
//     4711  <... fdatasync resumed>) = 0
std::vector<Syscall> read_trace(const std::filesystem::path& file) {
    std::istringstream lines(whole_trace(file));
    std::map<std::string, Syscall> under_way;  // Unfinished calls by thread.
    std::vector<Syscall> all;
    size_t number = 0;
    for (std::string line; std::getline(lines, line); ++number) {
        const size_t space = line.find(' ');
        const std::string thread = line.substr(0, space);
        const std::string text = line.substr(line.find_first_not_of(' ', space));
        if (text.ends_with(unfinished)) {
            under_way[thread] = {text.substr(0, text.size() - unfinished.size()), number, number,
                                 thread};
        } else if (text.starts_with("<... ")) {
            Syscall call = under_way.at(thread);
            call.text += text.substr(text.find(resumed) + resumed.size());
            call.ended = number;
            all.push_back(call);
        } else {
            all.push_back({text, number, number, thread});
        }
    }
    return all;
}

}  // namespace rollcall
