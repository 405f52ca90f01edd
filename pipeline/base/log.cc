#include "pipeline/base/log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <utility>

namespace rollcall {

namespace {

constexpr std::string_view names[] = {"", "", "", "error", "warning", "notice", "info", "debug"};

LogLevel least_urgent = LogLevel::info;
LogOutput log_output;  // If it is empty, lines go to standard error.

// systemd.exec(5): the device and the inode of the stream, in decimal. A service that redirects its
// standard error inherits the variable all the same.
bool writes_to_journal() {
    const char* const stream = std::getenv("JOURNAL_STREAM");
    struct stat status{};
    if (stream == nullptr || fstat(STDERR_FILENO, &status) != 0) return false;
    return fmt::format("{}:{}", status.st_dev, status.st_ino) == stream;
}

}  // namespace

void set_log_level(std::string_view name) {
    for (size_t level = 0; level < std::size(names); ++level)
        if (names[level] == name) least_urgent = static_cast<LogLevel>(level);
}

void set_log_output(LogOutput output) { log_output = std::move(output); }

bool logs(LogLevel level) { return level <= least_urgent; }

std::string format_log_line(LogLevel level, std::string_view text) {
    static const bool journal = writes_to_journal();
    if (journal) return fmt::format("<{}>{}\n", static_cast<int>(level), text);
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    tm utc{};
    gmtime_r(&now.tv_sec, &utc);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z {:7} {}\n", utc.tm_year + 1900,
                       utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                       names[static_cast<size_t>(level)], text);
}

void write_log_line(LogLevel level, std::string_view text) {
    const std::string line = format_log_line(level, text);
    if (log_output) return log_output(level, line);
    (void)!write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace rollcall
