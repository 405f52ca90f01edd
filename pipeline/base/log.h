// Log: one line on standard error for each state change, never one for each event.
//
// Under systemd (JOURNAL_STREAM is set) a line begins with its priority, "<4>", which the journal
// takes off and stores; elsewhere with the time and the level's name. See sd-daemon(3).
//
// Threads: set_log_level() before the first thread starts; log() anyone, a line is one write(2).
#pragma once

#include <fmt/core.h>

#include <optional>
#include <string_view>

namespace rollcall {

enum class LogLevel : int { error = 3, warning = 4, notice = 5, info = 6, debug = 7 };

void set_log_level(std::string_view name);
[[nodiscard]] bool logs(LogLevel level);
void write_log_line(LogLevel level, std::string_view text);

template <class... Arguments>
void log(LogLevel level, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    if (logs(level))
        write_log_line(level, fmt::format(format, std::forward<Arguments>(arguments)...));
}

}  // namespace rollcall
