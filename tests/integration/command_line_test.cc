// The commands of rollcalld except serve, and their exit statuses.
#include <fmt/core.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>
#include <regex>

#include "tests/support/test_daemon.h"

using namespace rollcall;

namespace {

constexpr int usage_status = 2;
constexpr int settings_status = 78;  // EX_CONFIG of sysexits.h.

Finished rollcalld(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), rollcalld_path());
    return run(arguments);
}

Finished check_file(std::string_view content) {
    const TemporaryDirectory directory;
    const std::string path = directory.path() / "rollcall.toml";
    std::ofstream(path) << content;
    return rollcalld({"check", "--config", path});
}

// Returns true if one line of `text` contains all the words in this order.
bool has_line(const std::string& text, const std::vector<std::string>& words) {
    std::string pattern;
    for (const auto& word : words) pattern += "[^\n]*\\b" + word + "\\b";
    return std::regex_search(text, std::regex(pattern));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(command_line)

BOOST_AUTO_TEST_CASE(check_names_every_problem_of_a_file_with_its_line_and_the_nearest_key) {
    const auto checked = check_file(
        "workers = 999999\n"
        "sinks = [\"sqlite\", \"sqlit\"]\n"
        "[http]\n"
        "listne = [\"127.0.0.1:8080\"]\n"
        "body_size_max = \"1KiB\"\n"
        "[spool]\n"
        "segment_size = 32\n"
        "[spol]\n"
        "sync = true\n");
    BOOST_TEST(checked.status == settings_status);
    const std::string& said = checked.errors;
    BOOST_TEST(has_line(said, {"1", "workers", "256"}), said);
    BOOST_TEST(has_line(said, {"2", "sinks", "sqlit"}), said);
    BOOST_TEST(has_line(said, {"4", "listne", "listen"}), said);
    BOOST_TEST(has_line(said, {"5", "body_size_max", "64KiB"}), said);
    BOOST_TEST(has_line(said, {"7", "segment_size"}), said);
    BOOST_TEST(has_line(said, {"8", "spol", "spool"}), said);
}

BOOST_AUTO_TEST_CASE(check_names_the_line_of_a_syntax_error) {
    const auto checked = check_file("workers = 1\n[http\n");
    BOOST_TEST(checked.status == settings_status);
    BOOST_TEST(has_line(checked.errors, {"2"}), checked.errors);
}

BOOST_AUTO_TEST_CASE(check_of_a_good_file_succeeds) {
    BOOST_TEST(check_file("workers = 1\n[http]\nlisten = [\"127.0.0.1:0\"]\n").status == 0);
}

BOOST_AUTO_TEST_CASE(anonymous_check_ins_from_other_machines_need_a_setting) {
    BOOST_TEST(check_file("http.listen = [\"0.0.0.0:8080\"]\n").status == settings_status);
    BOOST_TEST(
        check_file("http.listen = [\"0.0.0.0:8080\"]\nauth.anonymous_anywhere = true\n").status ==
        0);
}

BOOST_AUTO_TEST_CASE(serve_refuses_wrong_settings_with_the_same_status) {
    BOOST_TEST(rollcalld({"serve", "--set", "spool.size_max=1B"}).status == settings_status);
    BOOST_TEST(rollcalld({"serve", "--config", "/nonexistent"}).status == settings_status);
}

BOOST_AUTO_TEST_CASE(serve_names_a_state_directory_that_cannot_be_created) {
    const auto refused = rollcalld({"serve", "--set", "state_dir=/proc/nonexistent"});
    BOOST_TEST(refused.status == 1);
    BOOST_TEST(refused.errors.ends_with(
                   "cannot start: state_dir: cannot create the directory /proc/nonexistent: No "
                   "such file or directory\n"),
               refused.errors);
}

BOOST_AUTO_TEST_CASE(printed_settings_load_again) {
    const auto printed = rollcalld({"settings"});
    BOOST_TEST(printed.status == 0);
    BOOST_TEST(printed.output.find("[delivery]") != std::string::npos);
    BOOST_TEST(check_file(printed.output).status == 0);
}

BOOST_AUTO_TEST_CASE(printed_settings_with_commented_defaults_are_the_defaults) {
    const auto printed = rollcalld({"settings", "--comment-defaults", "--set", "workers=3"});
    BOOST_TEST(printed.status == 0);
    BOOST_TEST(printed.output.find("\nworkers = 3\n") != std::string::npos);
    BOOST_TEST(printed.output.find("\n#sync = true\n") != std::string::npos);
    BOOST_TEST(check_file(printed.output).status == 0);
}

BOOST_AUTO_TEST_CASE(manual_and_completion_have_every_command) {
    const auto manual = rollcalld({"reference", "manual"});
    const auto completion = rollcalld({"reference", "completion"});
    for (const auto& printed : {manual, completion}) BOOST_TEST(printed.status == 0);
    for (const std::string command : {"serve", "check", "settings", "schema apply", "spool replay",
                                      "token revoke", "reference", "version"}) {
        BOOST_TEST(manual.output.find("\n.SS rollcalld " + command + "\n") != std::string::npos);
        const auto path = "/" + std::regex_replace(command, std::regex(" "), "/");
        BOOST_TEST(completion.output.find(" " + path + ")") != std::string::npos);
    }
    BOOST_TEST(rollcalld({"reference", "settings-manual"}).output.starts_with(".TH ROLLCALL.TOML"));
}

BOOST_AUTO_TEST_CASE(printed_schema_equals_the_document_of_the_fields) {
    std::ifstream file(ROLLCALL_SOURCE_DIR "/config/routeros/fields.md");
    const std::string fields{std::istreambuf_iterator<char>(file), {}};
    for (const auto& printed :
         {rollcalld({"schema", "show"}), rollcalld({"schema", "show", "--format", "markdown"})}) {
        BOOST_TEST(printed.status == 0);
        BOOST_TEST((printed.output == fields));
    }
}

BOOST_AUTO_TEST_CASE(schema_is_printed_as_the_sql_of_the_named_dialect) {
    const auto sqlite = rollcalld({"schema", "show", "--dialect", "sqlite"});
    BOOST_TEST(sqlite.status == 0);
    BOOST_TEST(sqlite.output.find("UNIQUE (id, site_id)") != std::string::npos);
    const auto sql = rollcalld({"schema", "show", "--format", "sql"});
    BOOST_TEST(sql.output.find("CREATE PIPELINE") != std::string::npos);
    const auto named =
        rollcalld({"schema", "show", "--dialect", "singlestore", "--set", "kafka.topic=fleet"});
    BOOST_TEST(named.output.find("CREATE PIPELINE IF NOT EXISTS `fleet` AS") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(schema_is_applied_once_and_then_nothing_differs) {
    const TemporaryDirectory directory;
    const std::string place = "sqlite.path=" + (directory.path() / "checkins.db").string();
    const auto schema = [&](const char* what) {
        return rollcalld({"schema", what, "--dialect", "sqlite", "--set", place});
    };
    BOOST_TEST(schema("diff").status == 1);  // The file does not exist yet.
    BOOST_TEST(schema("apply").status == 0);
    BOOST_TEST(schema("apply").output == "Nothing differs.\n");
    BOOST_TEST(schema("diff").status == 0);
}

BOOST_AUTO_TEST_CASE(
    spool_of_a_running_daemon_can_be_listed_verified_and_dumped_but_not_opened_twice) {
    const TemporaryDirectory directory;
    const std::string place = "state_dir=" + directory.path().string();
    const TestDaemon daemon({.arguments = {"--set", place}});
    BOOST_TEST(daemon.post(R"({"serial_number":"HX1","seq":7})").status == 200);
    // The daemon is ready before its sink. Wait until the sink has created the table, because
    // `check --deep` reports a missing table.
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (daemon.metric(R"(rollcall_sink_rows_total{sink="sqlite"})") < 1)
        BOOST_TEST_REQUIRE((std::chrono::steady_clock::now() < deadline));
    const auto spool = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "spool");
        arguments.insert(arguments.end(), {"--set", place});
        return rollcalld(arguments);
    };
    BOOST_TEST(spool({"list"}).output.find("records from 0 up to, but not including, 1;") !=
               std::string::npos);
    BOOST_TEST(spool({"verify"}).status == 0);
    BOOST_TEST(spool({"list", "--dead", "--format", "tsv"}).output ==
               "sink\treason\tletters\tfirst\tlast\n");
    BOOST_TEST(spool({"replay", "--dead"}).status == 0);
    BOOST_TEST(spool({"dump", "--format", "json"}).output.find(R"("seq":7)") != std::string::npos);
    BOOST_TEST(rollcalld({"check", "--deep", "--set", place}).status == 0);
    const auto nowhere = rollcalld({"spool", "list", "--set", "state_dir=/nonexistent"});
    BOOST_TEST(nowhere.status == 1);
    BOOST_TEST(nowhere.errors == "no such directory: /nonexistent (see state_dir)\n");

    const auto second =
        rollcalld({"serve", "--set", place, "--set", "http.listen=127.0.0.1:0", "--set",
                   "mqtt.listen=127.0.0.1:0", "--set", "admin.listen=127.0.0.1:0"});
    BOOST_TEST(second.status == 1);
    BOOST_TEST(second.errors.find("another rollcalld uses this spool: ") != std::string::npos,
               second.errors);
}

BOOST_AUTO_TEST_CASE(set_on_the_command_line_overrides_the_file) {
    const TestDaemon daemon(
        {.settings = {R"(replies.next = "20s")"},
         .arguments = {"--set", "replies.next=45s", "--set", "replies.next_jitter=0"}});
    BOOST_TEST(daemon.post("{}").body.find(R"("next":45)") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(invalid_credential_files_fail_the_check_and_prevent_the_start) {
    const TemporaryDirectory directory;
    const std::string path = directory.path() / "tokens";
    const auto with_tokens = [&](const char* command, std::string_view content) {
        std::ofstream(path) << content;
        return rollcalld(
            {command, "--set", "auth.mode=tokens", "--set", "auth.tokens_file=" + path});
    };
    for (const char* command : {"check", "serve"}) {
        const auto wrong = with_tokens(command, "s1\n");
        BOOST_TEST(wrong.status == settings_status);
        BOOST_TEST(wrong.errors.ends_with(
                       path + ":1: the line must have the form: site [tenant] SHA-256\n"),
                   wrong.errors);
    }
    BOOST_TEST(with_tokens("check", "# none yet\n").status == 0);
}

BOOST_AUTO_TEST_CASE(token_is_issued_with_a_key_and_shown) {
    const TemporaryDirectory directory;
    const std::string keys = directory.path() / "keys";
    std::ofstream(keys) << rollcalld({"token", "key", "--id", "k1"}).output;
    const std::string setting = "auth.signing_keys_file=" + keys;
    std::string token = rollcalld({"token", "new", "--site", "s1", "--set", setting}).output;
    token.pop_back();
    const auto shown = rollcalld({"token", "show", token, "--set", setting});
    BOOST_TEST(shown.status == 0);
    BOOST_TEST(has_line(shown.output, {"site", "s1"}), shown.output);
    BOOST_TEST(has_line(shown.output, {"verifies", "yes"}), shown.output);
    const auto wrong =
        run({rollcalld_path(), "token", "show", "-", "--set", setting}, {}, token + "x");
    BOOST_TEST(wrong.status == 1);
    BOOST_TEST(wrong.output.find(token) == std::string::npos);
    BOOST_TEST(rollcalld({"token", "new"}).status == usage_status);
}

BOOST_AUTO_TEST_CASE(revoked_token_is_no_longer_valid) {
    const TemporaryDirectory directory;
    const std::string keys = "auth.signing_keys_file=" + (directory.path() / "keys").string();
    std::ofstream(directory.path() / "keys") << rollcalld({"token", "key", "--id", "k1"}).output;
    const std::string revoked = "auth.revoked_file=" + (directory.path() / "revoked").string();
    const auto made = rollcalld({"token", "new", "--site", "s1", "--set", keys});
    const std::string token = made.output.substr(0, made.output.find('\n'));
    BOOST_TEST_REQUIRE(made.errors.starts_with("id "));
    const std::string id = made.errors.substr(3, made.errors.find(' ', 3) - 3);
    BOOST_TEST(rollcalld({"token", "revoke", id}).status == 1);  // auth.revoked_file is not set.
    const auto done = rollcalld({"token", "revoke", id, "--set", keys, "--set", revoked});
    BOOST_TEST(done.status == 0, done.errors);
    BOOST_TEST(done.output.find("reload") != std::string::npos, done.output);
    BOOST_TEST(rollcalld({"token", "show", token, "--set", keys, "--set", revoked}).status == 1);
    BOOST_TEST(rollcalld({"token", "show", token, "--set", keys}).status == 0);
    BOOST_TEST(rollcalld({"token", "revoke"}).status == usage_status);
}

BOOST_AUTO_TEST_CASE(wrong_usage_has_its_own_status) {
    BOOST_TEST(rollcalld({"frobnicate"}).status == usage_status);
    BOOST_TEST(rollcalld({"serve", "--frobnicate"}).status == usage_status);
    BOOST_TEST(rollcalld({}).status == usage_status);
    BOOST_TEST(rollcalld({"schema"}).status == usage_status);
    BOOST_TEST(rollcalld({"spool"}).status == usage_status);
    BOOST_TEST(rollcalld({"spool", "replay"}).status == usage_status);
    BOOST_TEST(rollcalld({"spool", "replay", "--dead", "--from", "1"}).status == usage_status);
    BOOST_TEST(rollcalld({"spool", "list", "--sink", "kafka"}).status == usage_status);
    BOOST_TEST(rollcalld({"spool", "verify", "--dead"}).status == usage_status);
    const auto unknown_format = rollcalld({"schema", "show", "--format", "xml"});
    BOOST_TEST(unknown_format.status == usage_status);
    BOOST_TEST(unknown_format.errors.find("xml: must be one of markdown, sql") != std::string::npos,
               unknown_format.errors);
    BOOST_TEST(rollcalld({"schema", "diff", "--dialect", "oracle"}).status == usage_status);
}

BOOST_AUTO_TEST_CASE(unknown_words_are_named_with_the_nearest_known_name) {
    const auto errors_of = [](const std::vector<std::string>& arguments) {
        return rollcalld(arguments).errors;
    };
    BOOST_TEST(errors_of({"chek"}) == "chek: unknown; did you mean check?\n");
    BOOST_TEST(errors_of({"spool", "verfy"}) == "verfy: unknown; did you mean verify?\n");
    BOOST_TEST(errors_of({"serve", "--confg", "x"}) ==
               "--confg: unknown; did you mean --config?\n");
    BOOST_TEST(errors_of({"token", "new", "--stie", "x"}) ==
               "--stie: unknown; did you mean --site?\n");
    BOOST_TEST(errors_of({"frobnicate"}) == "frobnicate: unknown\n");
    const auto suggests = [&](const std::vector<std::string>& arguments, std::string_view name) {
        const std::string errors = errors_of(arguments);
        BOOST_TEST(errors.find(fmt::format("did you mean {}?", name)) != std::string::npos, errors);
    };
    suggests({"schema", "show", "--dialect", "singelstore"}, "singlestore");
    suggests({"spool", "list", "--format", "jsn"}, "json");
    suggests({"reference", "setings"}, "settings");
    suggests({"check", "--set", "sinks=sqlite,kafak"}, "kafka");
    suggests({"check", "--set", "log_level=warn"}, "warning");
}

BOOST_AUTO_TEST_CASE(help_of_every_command_has_an_example_that_the_command_line_accepts) {
    const std::vector<std::vector<std::string>> commands = {{},
                                                            {"serve"},
                                                            {"check"},
                                                            {"settings"},
                                                            {"reference"},
                                                            {"schema"},
                                                            {"schema", "show"},
                                                            {"schema", "diff"},
                                                            {"schema", "apply"},
                                                            {"spool"},
                                                            {"spool", "list"},
                                                            {"spool", "verify"},
                                                            {"spool", "dump"},
                                                            {"spool", "replay"},
                                                            {"token"},
                                                            {"token", "new"},
                                                            {"token", "show"},
                                                            {"token", "key"},
                                                            {"token", "revoke"}};
    for (auto command : commands) {
        std::string prefix = "  rollcalld";
        for (const auto& word : command) prefix += " " + word;
        command.emplace_back("--help");
        const auto help = rollcalld(command);
        BOOST_TEST(help.status == 0);
        BOOST_TEST_CONTEXT(help.output) {
            BOOST_TEST(help.output.find("/etc/rollcall/rollcall.toml") != std::string::npos);
            BOOST_TEST(help.output.find("$STATE_DIRECTORY") != std::string::npos);
            const size_t example = help.output.find("Example:\n" + prefix);
            BOOST_TEST_REQUIRE(example != std::string::npos);
            // With --help, a command is parsed but not executed. Redirections are removed.
            const std::string line = std::regex_replace(
                help.output.substr(example + std::string_view("Example:\n").size()),
                std::regex(" (<|>|>>) \\S+"), "");
            const auto words = run(
                {"sh", "-c", R"(rollcalld() { "$0" "$@" --help; }; )" + line, rollcalld_path()});
            BOOST_TEST(words.status == 0, words.errors);
        }
    }
}

BOOST_AUTO_TEST_CASE(sink_that_cannot_be_reached_has_its_own_status) {
    constexpr int unreachable_status = 3;
    // No server listens on port 1.
    BOOST_TEST(rollcalld({"schema", "diff", "--dialect", "mariadb", "--set",
                          "singlestore.host=127.0.0.1", "--set", "singlestore.port=1"})
                   .status == unreachable_status);
}

BOOST_AUTO_TEST_CASE(version_is_printed) {
    for (const char* word : {"version", "--version"}) {
        const auto printed = rollcalld({word});
        BOOST_TEST(printed.status == 0);
        BOOST_TEST(std::regex_match(printed.output, std::regex("rollcalld \\d+\\.\\d+\\.\\d+\n")));
    }
}

BOOST_AUTO_TEST_SUITE_END()
