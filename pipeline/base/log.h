// Log: writes one line to standard error for each change of state, and none for each event.
//
// Under systemd (JOURNAL_STREAM is set) a line begins with its priority, such as "<4>", which the
// journal removes and stores; elsewhere with the time and the name of the level. See sd-daemon(3).
//
// Threads: call set_log_level() before the first thread starts. Any thread may call log(); a line
// is
//          one write(2), so lines do not mix.
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
