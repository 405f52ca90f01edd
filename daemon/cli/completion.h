// Completion: a script with which bash completes the commands, options and settings of rollcalld.
// It is generated from the command line (`rollcalld reference completion`).
//
// Source: "Programmable Completion" in bash(1).
// Threads: pure function.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace rollcall {

// program: the command line with all commands.
[[nodiscard]] std::string bash_completion(const CLI::App& program);

}  // namespace rollcall
