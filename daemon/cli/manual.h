// Manual: the manual pages rollcalld(8) and rollcall.toml(5), generated from the command line, the
// exit statuses and the table of settings (`rollcalld reference manual`).
//
// Source of the format: groff_man(7).
// Threads: pure functions.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace rollcall {

// Returns rollcalld(8): every command with its options and an example, the exit statuses, files and
// signals. program: the command line with all commands.
[[nodiscard]] std::string program_manual(const CLI::App& program);
// Returns rollcall.toml(5): every setting with its default, its bounds and its description.
[[nodiscard]] std::string settings_manual();

}  // namespace rollcall
