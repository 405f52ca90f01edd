// Load: reads a settings file and --set arguments into Settings, or lists every problem in them;
// writes Settings as a file.
//
// The file is TOML 1.0. `--set name=value` overrides it; its value may be written as in TOML, or
// without quotes and, for a list, without brackets: --set http.listen=0.0.0.0:8080,[::]:8080
//
// load() checks the type of each value (setting_value.h), its bounds (settings.def), and the
// settings against each other (cross_checks.h).
//
// Threads: any; nothing is kept between calls.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"

namespace rollcall {

struct Problem {
    int line;         // Line of the file, from 1; 0 if the problem has no single line in the file.
    std::string key;  // The setting as written; empty if the problem concerns the whole file.
    std::string message;
};

// Returns the settings, with defaults for those that neither the file nor an argument sets; or all
// problems, those of the file first, by line. The problems have a type of their own because an
// Error describes one failure only.
[[nodiscard]] std::expected<Settings, std::vector<Problem>> load(
    const std::optional<std::string>& file, const std::vector<std::string>& sets);

// Returns a message such as "rollcall.toml:12: spool.syncc: unknown setting; did you mean
// spool.sync?"
[[nodiscard]] std::string to_text(const Problem& problem, std::string_view file);

// Returns the settings as a file that load() accepts: every setting with its description and
// bounds.
[[nodiscard]] std::string to_toml(const Settings& settings);

}  // namespace rollcall
