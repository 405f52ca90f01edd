// Log: writes one line to standard error for each change of state, and none for each event.
//
// Under systemd (JOURNAL_STREAM names standard error), a line begins with its priority, such as
// "<4>", which the journal removes and stores. Otherwise it begins with the time and the name of
// the level. See sd-daemon(3).
//
// A line is written at once, which may block if nobody reads standard error. The daemon therefore
// gives its lines to a LogWriter instead (log_writer.h).
//
// Threads: call set_log_level() and set_log_output() while no other thread logs. Any thread may
//          call log(); a line is one write(2), so lines do not mix.
#pragma once

#include <fmt/core.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace rollcall {

enum class LogLevel : int { error = 3, warning = 4, notice = 5, info = 6, debug = 7 };

// Receives a complete line, including its line feed.
using LogOutput = std::function<void(LogLevel level, std::string_view line)>;

void set_log_level(std::string_view name);
// Replaces standard error as the destination of lines. An empty function restores it.
void set_log_output(LogOutput output);
[[nodiscard]] bool logs(LogLevel level);
// Formats the text as a log line.
[[nodiscard]] std::string format_log_line(LogLevel level, std::string_view text);
void write_log_line(LogLevel level, std::string_view text);

template <class... Arguments>
void log(LogLevel level, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    if (logs(level))
        write_log_line(level, fmt::format(format, std::forward<Arguments>(arguments)...));
}

}  // namespace rollcall
