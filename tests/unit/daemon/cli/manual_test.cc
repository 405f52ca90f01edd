#include "daemon/cli/manual.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <sstream>

#include "config/settings.h"
#include "daemon/exit_statuses.h"

namespace rollcall {

namespace {

// A command line with one of each kind of option.
struct CommandLine {
    CommandLine() {
        program.add_option("--config", text, "Settings file")->type_name("FILE");
        auto* spool = program.add_subcommand("spool", "Inspect the spool");
        auto* list = spool->add_subcommand("list", "Print `all` segments of C:\\spool");
        list->add_flag("--dead", dead, "Use the dead letters");
        list->add_option("SINK", text, ".dot at the beginning");
        list->footer("Example:\n  rollcalld spool list --dead");
    }

    CLI::App program{"About", "rollcalld"};
    std::string text;
    bool dead = false;
};

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

// Returns the lines that are neither text nor a request of man(7) that the pages use.
std::string unknown_requests(const std::string& page) {
    std::string unknown;
    std::istringstream lines(page);
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with('.') && !line.starts_with('\'')) continue;
        const std::string request = line.substr(0, line.find(' '));
        constexpr std::string_view known[] = {".TH", ".SH", ".SS", ".PP", ".TP", ".EX",
                                              ".EE", ".br", ".B",  ".BR", ".I"};
        if (std::ranges::find(known, request) == std::end(known)) unknown += line + '\n';
    }
    return unknown;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cli_manual)

BOOST_AUTO_TEST_CASE(every_command_has_its_options_and_its_example) {
    const std::string page = program_manual(CommandLine().program);
    BOOST_TEST(contains(page, ".TP\n\\fB\\-\\-config FILE\\fR\nSettings file.\n"), page);
    BOOST_TEST(contains(page, ".SS rollcalld spool list\n"));
    BOOST_TEST(contains(page, ".TP\n\\fB\\-\\-dead\\fR\nUse the dead letters.\n"));
    BOOST_TEST(contains(page, ".EX\nrollcalld spool list \\-\\-dead\n.EE\n"));
    BOOST_TEST(!contains(page, ".SS rollcalld spool\n"));  // It cannot be called alone.
}

BOOST_AUTO_TEST_CASE(every_exit_status_is_explained) {
    const std::string page = program_manual(CommandLine().program);
    for (const auto& [status, meaning] : exit_statuses)
        BOOST_TEST(contains(page, ".TP\n\\fB" + std::to_string(status) + "\\fR\n"));
}

BOOST_AUTO_TEST_CASE(every_setting_is_explained) {
    const std::string page = settings_manual();
    const Settings defaults;
    for_each_setting(defaults, [&](const SettingInfo& setting, const auto&, const auto&) {
        BOOST_TEST(contains(page, ".TP\n\\fB" + std::string(setting.key) + " = "), setting.name);
    });
    for (const auto& [section, about] : sections_table)
        BOOST_TEST(
            (section == top_section || contains(page, ".SH [" + std::string(section) + "]\n")));
}

BOOST_AUTO_TEST_CASE(no_text_is_taken_for_a_request_of_roff) {
    const std::string page = program_manual(CommandLine().program);
    BOOST_TEST(contains(page, "Print \\fBall\\fR segments of C:\\espool.\n"), page);
    BOOST_TEST(contains(page, "\n\\&.dot at the beginning.\n"), page);
    BOOST_TEST(unknown_requests(page) == "");
    BOOST_TEST(unknown_requests(settings_manual()) == "");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
