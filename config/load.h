// Load: turns a settings file and --set arguments into Settings, or lists every problem in them;
// and writes Settings as a file.
//
// The file is TOML 1.0. `--set name=value` takes precedence over it; there a value is written as in
// TOML or without quotes, and a list without brackets: --set http.listen=0.0.0.0:8080,[::]:8080
//
// load() checks the type of each value (setting_value.h), its bounds (settings.def), and what
// settings demand of each other (cross_checks.h).
//
// Threads: nothing is kept between calls.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"

namespace rollcall {

struct Problem {
    int line;         // Line of the file, from 1; 0 if it is not in the file, or in no one line.
    std::string key;  // The setting as it was written; empty if the problem is the file itself.
    std::string message;
};

// Returns the settings, which have their defaults where neither the file nor an argument sets them;
// or all problems, those of the file first, by line. A list of problems is no Error of one call, so
// it is a type of its own.
[[nodiscard]] std::expected<Settings, std::vector<Problem>> load(
    const std::optional<std::string>& file, const std::vector<std::string>& sets);

// "rollcall.toml:12: spool.syncc: unknown setting; did you mean spool.sync?"
[[nodiscard]] std::string to_text(const Problem& problem, std::string_view file);

// Returns the settings as a file that load() reads back: every setting with its sentence and its
// bounds.
[[nodiscard]] std::string to_toml(const Settings& settings);

}  // namespace rollcall
