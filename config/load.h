// Load: reads a settings file and --set arguments into Settings, and lists every problem in them.
// Also writes Settings as a file.
//
// The file is TOML 1.0. `--set name=value` overrides the file. The value may be written as in TOML.
// A string may also be written without quotes, and a list without brackets: --set
// http.listen=0.0.0.0:8080,[::]:8080
//
// load() checks the type of each value (setting_value.h) and its bounds (settings.def). load() also
// checks the settings against each other (cross_checks.h).
//
// Threads: any; nothing is kept between calls.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"

namespace rollcall {

struct Problem {
    int line;         // Line of the file, from 1; 0 if the problem belongs to no single line.
    std::string key;  // The setting as written; empty if the problem is about the whole file.
    std::string message;
};

// Returns the settings, with the default for each setting that neither the file nor an argument
// sets. If there are problems, returns all of them instead: first the problems of the file, by
// line. Problem is a type of its own because an Error describes only one failure.
[[nodiscard]] std::expected<Settings, std::vector<Problem>> load(
    const std::optional<std::string>& file, const std::vector<std::string>& sets);

// Returns a message such as "rollcall.toml:12: spool.syncc: unknown setting; did you mean
// spool.sync?"
[[nodiscard]] std::string to_text(const Problem& problem, std::string_view file);

enum class Defaults : uint8_t { written, commented_out };

// Returns the settings as a file that load() accepts. The file has every setting with its
// description and bounds. With `commented_out`, the line of each setting that has its default value
// begins with #, so that a later version may change the default.
[[nodiscard]] std::string to_toml(const Settings& settings, Defaults defaults = Defaults::written);

}  // namespace rollcall
