#include "daemon/cli/manual.h"

#include <fmt/core.h>

#include <string_view>
#include <utility>

#include "config/setting_value.h"
#include "config/settings.h"
#include "daemon/cli/command.h"
#include "daemon/exit_statuses.h"

namespace rollcall {

namespace {

// Returns the text in roff. `code` in backticks becomes bold. No character of the text has a
// meaning for roff, and a hyphen can be copied as the ASCII character that a shell needs.
std::string roff(std::string_view text) {
    std::string escaped;
    bool bold = false;
    for (const char c : text) {
        if (escaped.empty() || escaped.ends_with('\n'))
            if (c == '.' || c == '\'') escaped += "\\&";  // Otherwise a request of roff.
        if (c == '\\')
            escaped += "\\e";
        else if (c == '-')
            escaped += "\\-";
        else if (c == '`')
            escaped += std::exchange(bold, !bold) ? "\\fR" : "\\fB";
        else
            escaped += c;
    }
    return escaped;
}

// Returns an entry of a list: a term in bold, and its description.
std::string entry(std::string_view term, std::string_view description) {
    return fmt::format(".TP\n\\fB{}\\fR\n{}\n", roff(term), roff(description));
}

std::string heading(std::string_view name) { return fmt::format(".SH {}\n", name); }

// Returns an option as it is typed, such as `-h, --help` or `--sink {sqlite,kafka,singlestore}`.
std::string usage(const CLI::Option& option) {
    std::string text;
    for (const auto& name : option.get_snames()) text += fmt::format("-{}, ", name);
    for (const auto& name : option.get_lnames()) text += fmt::format("--{}, ", name);
    if (text.empty())
        text = option.get_name(true);
    else
        text.resize(text.size() - 2);
    const std::string type = option.get_type_name();
    const size_t choices = type.find('{');  // The type of a text with choices is TEXT:{a,b}.
    if (choices != std::string::npos)
        text += ' ' + type.substr(choices);
    else if (option.get_items_expected_max() > 0 && !option.get_positional())
        text += ' ' + type;
    return text;
}

std::string options_of(const CLI::App& command) {
    std::string list;
    for (const CLI::Option* option : command.get_options())
        if (option->check_name("--help") && command.get_parent() != nullptr)
            continue;  // Every command has it.
        else
            list += entry(usage(*option), option->get_description() + '.');
    return list;
}

// Returns the example in the footer of a command; empty if there is none.
std::string example_of(const CLI::App& command) {
    constexpr std::string_view label = "Example:\n  ";
    const std::string footer = command.get_footer();
    const size_t at = footer.find(label);
    return at == std::string::npos ? "" : footer.substr(at + label.size());
}

std::string in_words(const CommandPath& path) {
    std::string words = "rollcalld";
    for (const auto& name : path) words += ' ' + name;
    return words;
}

constexpr std::string_view program_head = R"(.TH ROLLCALLD 8 "" "rollcall" "System administration"
.SH NAME
rollcalld \- receives and stores the check\-ins of MikroTik routers
.SH SYNOPSIS
\fBrollcalld\fR \fICOMMAND\fR [\fIOPTION\fR]...
.SH DESCRIPTION
\fBrollcalld serve\fR receives status reports ("check\-ins") from routers over HTTP and MQTT. It
acknowledges a check\-in after the check\-in is on disk, and stores it as a row of a database. The
other commands inspect and administer the service.
.PP
All commands read the settings of the service. Run them as root.
)";

constexpr std::string_view program_tail = R"(.SH FILES
.TP
.I /etc/rollcall/rollcall.toml
The settings. See \fBrollcall.toml\fR(5).
.TP
.I /var/lib/rollcall
The state directory of the service: the spool and the SQLite file.
.TP
.I /usr/share/rollcall/routeros
Scripts for routers.
.TP
.I /usr/share/doc/rollcall
Documents. Begin with \fIdocs/install.md\fR.
.SH ENVIRONMENT
.TP
.B STATE_DIRECTORY
State directory if the setting \fBstate_dir\fR is empty. systemd sets this variable.
.SH SIGNALS
.TP
.BR SIGTERM ", " SIGINT
Stops the daemon. It sends the remaining responses first. A second signal ends it at once.
.TP
.B SIGHUP
Reads certificates, keys and tokens again.
.SH SEE ALSO
.BR rollcall.toml (5),
.BR systemctl (1)
)";

constexpr std::string_view settings_head =
    R"(.TH ROLLCALL.TOML 5 "" "rollcall" "File formats"
.SH NAME
rollcall.toml \- settings of rollcalld
.SH SYNOPSIS
.I /etc/rollcall/rollcall.toml
.SH DESCRIPTION
The file is TOML 1.0. A setting that the file does not name has its default value.
.PP
\fBrollcalld check\fR reports every mistake in the file, with its line.
\fBrollcalld settings\fR prints all settings with the values in force.
\fBsystemctl restart rollcalld\fR applies a changed file.
.PP
A size is a whole number and a unit, such as \fB"64MiB"\fR. The units are B; KiB, MiB, GiB, TiB or
K, M, G, T (powers of 1024); KB, MB, GB, TB (powers of 1000). A duration is a whole number and a
unit, such as \fB"30s"\fR. The units are ms, s, min (or m), h, d and w.
)";

constexpr std::string_view settings_tail = R"(.SH SEE ALSO
.BR rollcalld (8)
)";

}  // namespace

std::string program_manual(const CLI::App& program) {
    std::string page(program_head);
    page += heading("OPTIONS") + "These options are valid with every command.\n";
    page += options_of(program);
    page += heading("COMMANDS");
    for_each_command(program, [&](const CommandPath& path, const CLI::App& command) {
        if (!command.get_subcommands({}).empty()) return;  // Its subcommands are the commands.
        page += fmt::format(".SS {}\n{}.\n", roff(in_words(path)), roff(command.get_description()));
        page += options_of(command);
        if (const std::string example = example_of(command); !example.empty())
            page += fmt::format(".PP\nExample:\n.PP\n.EX\n{}\n.EE\n", roff(example));
    });
    page += heading("EXIT STATUS");
    for (const auto& [status, meaning] : exit_statuses)
        page += entry(std::to_string(status), meaning);
    page += program_tail;
    return page;
}

std::string settings_manual() {
    std::string page(settings_head);
    const Settings defaults;
    for (const auto& [section, about] : sections_table) {
        page += heading(section == top_section ? "TOP OF THE FILE" : fmt::format("[{}]", section));
        page += roff(about) + '\n';
        for_each_setting(defaults, [&](const SettingInfo& setting, const auto& value,
                                       const auto& bounds) {
            if (setting.section != section) return;
            const std::string words = bounds.in_words();
            page += entry(fmt::format("{} = {}", setting.key, value_to_toml(value)), setting.help);
            if (!words.empty()) page += fmt::format(".br\nAllowed: {}.\n", roff(words));
        });
    }
    page += settings_tail;
    return page;
}

}  // namespace rollcall
