// Load: a settings file and --set arguments to Settings, or every problem in them; and back.
//
// The file is TOML 1.0. `--set name=value` wins over it; there a value is written as in TOML or
// without quotes, and a list without brackets: --set http.listen=0.0.0.0:8080,[::]:8080
//
// Beyond the bounds of each setting, load() holds together what belongs together: addresses are
// host:port, anonymous check-ins stay on loopback unless allowed elsewhere, every sink is named
// once, a batch takes a slot.
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
    int line;         // In the file, from 1; 0: not from the file, or of the file as a whole.
    std::string key;  // The setting as it was written; empty: the file.
    std::string message;
};

// Without a file: the defaults. All problems come at once, those of the file first, by line.
[[nodiscard]] std::expected<Settings, std::vector<Problem>> load(
    const std::optional<std::string>& file, const std::vector<std::string>& sets);

// "rollcall.toml:12: spool.syncc: unknown setting; did you mean spool.sync?"
[[nodiscard]] std::string to_text(const Problem& problem, std::string_view file);

// The settings as a file that load() reads back: every setting with its sentence and its bounds.
[[nodiscard]] std::string to_toml(const Settings& settings);

}  // namespace rollcall
