// Log: writes one line to standard error for each change of state. Check-ins write no lines.
//
// A line has a message, details, and a note. In the format "text":
//
//   |  2026-11-30T08:40:00Z warning spool: records lost: records=5-9 segment=5; note
//
// A detail is in quotes if its value contains a space or another separator. In the format "json", a
// line is one object with a member for each detail:
//
//   |  {"time":"...","level":"warning","message":"spool: records lost","records":"5-9", ...}
//
// If standard error is connected to the journal of systemd, a line begins with its priority, such
// as "<4>". The journal removes the priority and stores it. In this case, a line of the format
// "text" has no time and no level, because the journal stores both. See sd-daemon(3).
//
// log() writes a line at once, which may block if no process reads standard error. The daemon
// therefore passes its lines to a LogWriter instead (log_writer.h).
//
// Threads: call set_log_level(), set_log_format() and set_log_output() while no other thread logs.
//          Any thread may call log(); a line is one write(2), so lines do not mix.
#pragma once

#include <fmt/core.h>

#include <concepts>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rollcall {

enum class LogLevel : int { error = 3, warning = 4, notice = 5, info = 6, debug = 7 };

// A detail of an event. In the format "text" it is written as "name=value". In the format "json" it
// is a member, and a number stays a number.
struct LogDetail {
    template <class Value>
    LogDetail(std::string_view detail_name, const Value& value)
        : name(detail_name),
          text(fmt::format("{}", value)),
          is_number(std::integral<Value> && !std::same_as<Value, bool>) {}

    std::string_view name;  // Must not be "time", "level", "message" or "note".
    std::string text;
    bool is_number;
};

struct LogEvent {
    std::string message;  // What happened; begins with the name of the reporting part.
    std::vector<LogDetail> details = {};
    std::string note = {};  // Meaning, consequence and remedy; may be empty.
};

// Receives a complete line, including its line feed.
using LogOutput = std::function<void(LogLevel level, std::string_view line)>;

// Sets the lowest level that is logged, by its name.
void set_log_level(std::string_view name);
// Sets the format of lines: "text" or "json".
void set_log_format(std::string_view name);
// Makes log() pass its lines to `output` instead of writing them to standard error. An empty
// function restores standard error.
void set_log_output(LogOutput output);
[[nodiscard]] bool logs(LogLevel level);
[[nodiscard]] std::string format_log_line(LogLevel level, const LogEvent& event);
void write_log_line(LogLevel level, const LogEvent& event);

inline void log(LogLevel level, const LogEvent& event) {
    if (logs(level)) write_log_line(level, event);
}

// Logs an event without details.
template <class... Arguments>
void log(LogLevel level, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    if (logs(level))
        write_log_line(level,
                       {.message = fmt::format(format, std::forward<Arguments>(arguments)...)});
}

}  // namespace rollcall
