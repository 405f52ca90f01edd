#include "daemon/cli/completion.h"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>

#include "config/settings.h"
#include "daemon/cli/command.h"

namespace rollcall {

namespace {

// The script finds the command in the words before the cursor. It skips the values of options,
// because a value may be the name of a command. After an option with known values it offers these;
// otherwise it offers the options and the next commands.
constexpr std::string_view head =
    R"(# bash completion for rollcalld, written by `rollcalld reference completion`

_rollcalld() {
    local command= current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} i
    for ((i = 1; i < COMP_CWORD; ++i)); do
        case ${COMP_WORDS[i]} in
)";

constexpr std::string_view middle = R"(        esac
        case $command/${COMP_WORDS[i]} in
)";

constexpr std::string_view tail = R"(    esac
} && complete -F _rollcalld rollcalld
)";

// The kinds of values that an option can have.
constexpr std::string_view type_of_settings = "SECTION.KEY=VALUE";
constexpr std::string_view type_of_files = "FILE";

std::string name_of(const CommandPath& path) {
    std::string name;
    for (const auto& word : path) name += '/' + word;
    return name;
}

bool takes_value(const CLI::Option& option) {
    return !option.get_lnames().empty() && option.get_items_expected_max() > 0;
}

// Returns the choices of an option, separated by spaces; empty if it has none. The type of a text
// with choices is TEXT:{a,b}.
std::string choices_of(const CLI::Option& option) {
    const std::string type = option.get_type_name();
    const size_t begin = type.find('{');
    if (begin == std::string::npos) return {};
    std::string choices = type.substr(begin + 1, type.find('}') - begin - 1);
    std::ranges::replace(choices, ',', ' ');
    return choices;
}

void add_word(std::string& words, const std::string& word) {
    words += words.empty() ? word : ' ' + word;
}

std::string names_of_settings() {
    std::string names;
    const Settings defaults;
    for_each_setting(defaults, [&](const SettingInfo& setting, const auto&, const auto&) {
        add_word(names, std::string(setting.name));
    });
    return names;
}

// Returns a line of the script that runs an action if the command line matches a pattern.
std::string run(std::string_view pattern, std::string_view action) {
    return fmt::format("        {}) {} ;;\n", pattern, action);
}

// Returns a line of the script that offers words if the command line matches a pattern.
std::string offer(std::string_view pattern, std::string_view words) {
    return run(pattern, fmt::format("COMPREPLY=($(compgen -W '{}' -- \"$current\"))", words));
}

// Returns the lines that offer the values of an option. pattern: the command, as a pattern.
std::string offer_values(const CLI::Option& option, std::string_view command) {
    std::string lines;
    const std::string choices = choices_of(option);
    for (const auto& name : option.get_lnames()) {
        const std::string pattern = fmt::format("{}:--{}", command, name);
        if (!choices.empty())
            lines += offer(pattern, choices);
        else if (option.get_type_name() == type_of_settings)
            lines += run(pattern, fmt::format("compopt -o nospace; "
                                              "COMPREPLY=($(compgen -S = -W '{}' -- \"$current\"))",
                                              names_of_settings()));
        else if (option.get_type_name() == type_of_files)
            lines +=
                run(pattern, "compopt -o filenames; COMPREPLY=($(compgen -f -- \"$current\"))");
        else
            lines += run(pattern, ":");
    }
    return lines;
}

}  // namespace

std::string bash_completion(const CLI::App& program) {
    std::string with_value;  // Options whose next word is a value, as a pattern.
    std::string paths;       // All commands, as a pattern.
    std::string values;
    std::string levels;
    std::string options_of_program;
    for (const CLI::Option* option : program.get_options())
        for (const auto& name : option->get_lnames()) add_word(options_of_program, "--" + name);

    for_each_command(program, [&](const CommandPath& path, const CLI::App& command) {
        const bool is_program = path.empty();
        if (!is_program) paths += (paths.empty() ? "" : " | ") + name_of(path);
        std::string words;
        for (const CLI::App* inner : command.get_subcommands({}))
            add_word(words, inner->get_name());
        for (const CLI::Option* option : command.get_options()) {
            if (option->get_lnames().empty()) add_word(words, choices_of(*option));
            if (!is_program)
                for (const auto& name : option->get_lnames())
                    if (name != "help") add_word(words, "--" + name);
            if (!takes_value(*option)) continue;
            for (const auto& name : option->get_lnames()) {
                const std::string pattern = "--" + name;
                if (with_value.find(pattern + ' ') == std::string::npos)
                    with_value += pattern + ' ';
            }
            values += offer_values(*option, is_program ? "*" : name_of(path));
        }
        add_word(words, options_of_program);
        levels += offer(is_program ? "''" : name_of(path), words);
    });

    std::string skipped;
    for (const char c : with_value.substr(0, with_value.size() - 1))
        skipped += c == ' ' ? std::string(" | ") : std::string(1, c);
    std::string script(head);
    script += fmt::format(
        "            {})\n                ((++i))\n                continue\n"
        "                ;;\n",
        skipped);
    script += middle;
    script += fmt::format(
        "            {}) command+=/${{COMP_WORDS[i]}} ;;\n        esac\n    done\n", paths);
    script += "    case $command:$previous in\n" + values;
    script += "        *) case $command in\n" + levels + "        esac ;;\n";
    script += tail;
    return script;
}

}  // namespace rollcall
