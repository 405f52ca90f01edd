#include "daemon/cli/completion.h"

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <sstream>

#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

namespace rollcall {

namespace {

struct CommandLine {
    CommandLine() {
        program.add_option("--set", text, "One setting")->type_name("SECTION.KEY=VALUE");
        program.add_subcommand("serve", "Accept check-ins");
        auto* spool = program.add_subcommand("spool", "Inspect the spool");
        auto* list = spool->add_subcommand("list", "Print the segments");
        list->add_option("--sink", text, "Name of a sink")->check(CLI::IsMember({"kafka", "sql"}));
        list->add_flag("--dead", dead, "Use the dead letters");
        spool->add_subcommand("verify", "Read every record");
    }

    CLI::App program{"About", "rollcalld"};
    std::string text;
    bool dead = false;
};

// Returns what bash offers for the last word of a command line, separated by spaces.
std::string offered(const std::vector<std::string>& words) {
    const TemporaryDirectory directory;
    std::ofstream script(directory.path() / "script");
    // Only the completion of an interactive shell can call compopt.
    script << "compopt() { :; }\n" << bash_completion(CommandLine().program);
    script << "COMP_WORDS=(rollcalld";
    for (const auto& word : words) script << " '" << word << "'";
    script << ")\nCOMP_CWORD=" << words.size() << "\n_rollcalld\necho \"${COMPREPLY[*]}\"\n";
    script.close();
    const auto finished = run({"bash", (directory.path() / "script").string()});
    BOOST_TEST(finished.status == 0, finished.errors);
    BOOST_TEST(finished.errors == "");
    return finished.output;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cli_completion)

BOOST_AUTO_TEST_CASE(commands_are_offered_at_their_level) {
    BOOST_TEST(offered({"s"}) == "serve spool\n");
    BOOST_TEST(offered({"spool", ""}) == "list verify --help --set\n");
    BOOST_TEST(offered({"spool", "v"}) == "verify\n");
    BOOST_TEST(offered({"serve", "s"}) == "\n");
}

BOOST_AUTO_TEST_CASE(options_of_the_command_are_offered) {
    BOOST_TEST(offered({"spool", "list", "--"}) == "--sink --dead --help --set\n");
}

BOOST_AUTO_TEST_CASE(choices_of_an_option_are_offered) {
    BOOST_TEST(offered({"spool", "list", "--sink", ""}) == "kafka sql\n");
    BOOST_TEST(offered({"spool", "list", "--dead", "--sink", "k"}) == "kafka\n");
}

BOOST_AUTO_TEST_CASE(settings_are_offered) {
    BOOST_TEST(offered({"serve", "--set", "spool.sy"}) == "spool.sync=\n");
}

// bash splits `spool.sync=false` into three words.
BOOST_AUTO_TEST_CASE(value_of_an_option_is_not_taken_for_a_command) {
    BOOST_TEST(offered({"--set", "spool", "=", "1", "s"}) == "serve spool\n");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
