// Command: one command of the rollcalld program, with its arguments and its help.
//
// main() adds all commands to the command line and runs the one that the user typed. A command
// prints its result to standard output. If it fails, it prints the reason to standard error.
// daemon/exit_statuses.h lists the exit statuses.
//
// Threads: main.
#pragma once

#include <fmt/core.h>

#include <CLI/CLI.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "config/settings.h"
#include "daemon/exit_statuses.h"
#include "pipeline/base/error.h"

namespace rollcall {

// The path of a command is the list of its names, such as {"spool", "list"}.
using CommandPath = std::vector<std::string>;

// Calls visit(path, command) for the program, whose path is empty, and for each command, in the
// order of the help.
template <class Visit>
void for_each_command(const CLI::App& app, const Visit& visit, const CommandPath& path = {}) {
    visit(path, app);
    for (const CLI::App* command : app.get_subcommands({})) {
        CommandPath inner = path;
        inner.push_back(command->get_name());
        for_each_command(*command, visit, inner);
    }
}

// The settings file that is read if it exists and --config is not given.
inline constexpr const char* default_config_file = "/etc/rollcall/rollcall.toml";

class Command {
public:
    virtual ~Command() = default;

    // Adds the command, its arguments and its help to the command line.
    virtual void add_to(CLI::App& program) = 0;
    // Returns the exit status.
    [[nodiscard]] virtual int run(const Settings& settings) = 0;

    // config_file: path of the file with the settings; empty if the settings are the defaults.
    void set_config_file(std::string config_file) { config_file_ = std::move(config_file); }

    // Returns true if the command line names this command.
    [[nodiscard]] bool given() const { return app_->parsed(); }

protected:
    // Adds a footer to the help of a command: where the settings come from, and an example.
    // example: one command line.
    static void set_example(CLI::App& command, const std::string& example) {
        command.footer(fmt::format(
            "Settings file: --config FILE, or else {} if it exists; --set overrides it.\n"
            "State directory (spool, SQLite file): state_dir, or else $STATE_DIRECTORY, or else\n"
            "./rollcall-data.\n\nExample:\n  {}",
            default_config_file, example));
    }

    // Returns a check for an argument, which must be one of the names. The check suggests the
    // nearest name for any other argument.
    [[nodiscard]] static CLI::Validator one_of(std::vector<std::string> names);

    CLI::App* app_ = nullptr;  // Set by add_to().
    std::string config_file_;
};

[[nodiscard]] std::unique_ptr<Command> make_serve_command();
[[nodiscard]] std::unique_ptr<Command> make_check_command();
[[nodiscard]] std::unique_ptr<Command> make_settings_command();
[[nodiscard]] std::unique_ptr<Command> make_schema_command();
[[nodiscard]] std::unique_ptr<Command> make_spool_command();
[[nodiscard]] std::unique_ptr<Command> make_token_command();
[[nodiscard]] std::unique_ptr<Command> make_reference_command();

// Prints the reason why a command failed. Returns the exit status.
[[nodiscard]] int failed(const Error& error);

}  // namespace rollcall
