#include "pipeline/base/log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "pipeline/base/json_text.h"

namespace rollcall {

namespace {

constexpr std::string_view names[] = {"", "", "", "error", "warning", "notice", "info", "debug"};

LogLevel least_urgent = LogLevel::info;
bool as_json = false;
LogOutput log_output;  // If it is empty, lines go to standard error.

// JOURNAL_STREAM contains the device and the inode of the stream, in decimal (systemd.exec(5)). A
// process whose standard error is redirected also inherits the variable. So compare both numbers
// with those of standard error.
bool writes_to_journal() {
    const char* const stream = std::getenv("JOURNAL_STREAM");
    struct stat status{};
    if (stream == nullptr || fstat(STDERR_FILENO, &status) != 0) return false;
    return fmt::format("{}:{}", status.st_dev, status.st_ino) == stream;
}

std::string utc_now() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    tm utc{};
    gmtime_r(&now.tv_sec, &utc);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                       utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

// Returns true if the value needs no quotes after "name=".
bool is_plain(std::string_view value) {
    const auto separates = [](unsigned char byte) {
        return byte <= ' ' || byte == '"' || byte == '=' || byte == ';' || byte >= 0x7f;
    };
    return !value.empty() && std::ranges::none_of(value, separates);
}

void append_text(const LogEvent& event, std::string& line) {
    line += event.message;
    std::string_view separator = ": ";
    for (const LogDetail& detail : event.details) {
        line.append(std::exchange(separator, " ")).append(detail.name).append("=");
        line += is_plain(detail.text) ? detail.text : json_text(detail.text);
    }
    if (!event.note.empty()) line.append("; ").append(event.note);
}

void append_json(std::string_view level, const LogEvent& event, std::string& line) {
    line += fmt::format(R"({{"time":"{}","level":"{}","message":{})", utc_now(), level,
                        json_text(event.message));
    for (const LogDetail& detail : event.details)
        line += fmt::format(R"(,"{}":{})", detail.name,
                            detail.is_number ? detail.text : json_text(detail.text));
    if (!event.note.empty()) line += fmt::format(R"(,"note":{})", json_text(event.note));
    line += '}';
}

}  // namespace

void set_log_level(std::string_view name) {
    for (size_t level = 0; level < std::size(names); ++level)
        if (names[level] == name) least_urgent = static_cast<LogLevel>(level);
}

void set_log_format(std::string_view name) { as_json = name == "json"; }

void set_log_output(LogOutput output) { log_output = std::move(output); }

bool logs(LogLevel level) { return level <= least_urgent; }

std::string format_log_line(LogLevel level, const LogEvent& event) {
    static const bool journal = writes_to_journal();
    std::string line = journal ? fmt::format("<{}>", static_cast<int>(level)) : "";
    const std::string_view name = names[static_cast<size_t>(level)];
    if (as_json) {
        append_json(name, event, line);
    } else {
        if (!journal) line += fmt::format("{} {:7} ", utc_now(), name);
        append_text(event, line);
    }
    return line + '\n';
}

void write_log_line(LogLevel level, const LogEvent& event) {
    const std::string line = format_log_line(level, event);
    if (log_output) return log_output(level, line);
    (void)!write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace rollcall
