// rollcalld: the main program, with its command line.

#include <fmt/core.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/load.h"
#include "config/suggestions.h"
#include "daemon/cli/command.h"
#include "daemon/daemon.h"
#include "daemon/open_files.h"

namespace {

using namespace rollcall;

constexpr const char* version_text = "rollcalld " ROLLCALL_VERSION;

std::string footer() {
    std::string text =
        R"(Settings are read from the file given by --config, or else from /etc/rollcall/rollcall.toml
if it exists. --set overrides the file. By default, check-ins are stored into SQLite in
./rollcall-data, or in the directory in $STATE_DIRECTORY, which systemd sets.

Exit status:
)";
    for (const auto& [status, meaning] : exit_statuses)
        text += fmt::format("  {:<2}  {}\n", status, meaning);
    return text + "\nExample:\n  rollcalld check --deep && rollcalld serve";
}

// Returns the last command on the command line, such as `list` of `spool list`.
const CLI::App& innermost(const CLI::App& app) {
    const auto given = app.get_subcommands();
    return given.empty() ? app : innermost(*given.front());
}

// Prints each word that is neither a command nor an option, and suggests a similar name. Returns
// true if there was an unknown word.
bool report_unknown_words(const CLI::App& program) {
    const CLI::App& command = innermost(program);
    std::vector<std::string> names;
    for (const auto* known : command.get_subcommands({})) names.push_back(known->get_name());
    for (const auto* app : {&command, &program})
        for (const auto* option : app->get_options())
            for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    const std::vector<std::string_view> known(names.begin(), names.end());

    std::vector<std::string> unknown = program.remaining(true);
    // Words after an unknown option are probably its values, so only the option is reported.
    const auto is_option = [](const std::string& word) { return word.starts_with('-'); };
    if (std::ranges::any_of(unknown, is_option)) std::erase_if(unknown, std::not_fn(is_option));
    for (const auto& word : unknown) {
        const auto meant = nearest_name(word, known);
        fmt::print(stderr, "{}: {}\n", word,
                   meant ? fmt::format("unknown; did you mean {}?", *meant) : "unknown");
    }
    return !unknown.empty();
}

int run(int argc, char** argv) {
    CLI::App program{"Stores the check-ins of fleets of MikroTik routers.", "rollcalld"};
    program.require_subcommand(1);
    program.fallthrough();
    program.footer(footer());
    program.set_version_flag("--version", version_text, "Print the version");
    std::string file;
    std::vector<std::string> sets;
    program.add_option("--config", file, "Settings file")->type_name("FILE");
    program.add_option("--set", sets, "One setting; may be repeated")
        ->type_name("SECTION.KEY=VALUE")
        ->take_all()
        ->allow_extra_args(false);
    std::vector<std::unique_ptr<Command>> commands;
    for (const auto make :
         {make_serve_command, make_check_command, make_settings_command, make_schema_command,
          make_spool_command, make_token_command, make_reference_command})
        commands.push_back(make());
    for (const auto& command : commands) command->add_to(program);
    auto* const version = program.add_subcommand("version", "Print the version");
    version->footer("");  // Otherwise it has the footer of the program.
    try {
        program.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() != 0 && report_unknown_words(program)) return exit_usage;
        return program.exit(error) == 0 ? EXIT_SUCCESS : exit_usage;
    }
    if (version->parsed()) {
        fmt::print("{}\n", version_text);
        return EXIT_SUCCESS;
    }
    if (file.empty() && std::filesystem::exists(default_config_file)) file = default_config_file;
    const auto settings = load(file.empty() ? std::nullopt : std::optional(file), sets);
    if (!settings) {
        for (const auto& problem : settings.error())
            fmt::print(stderr, "{}\n", to_text(problem, file));
        return exit_settings;
    }
    for (const auto& command : commands)
        if (command->given()) {
            command->set_config_file(file);
            return command->run(*settings);
        }
    return exit_usage;
}

}  // namespace

int main(int argc, char** argv) {
    open_files::open_standard_streams();
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        fmt::print(stderr, "rollcalld: {}\n", error.what());
        return EXIT_FAILURE;
    }
}
