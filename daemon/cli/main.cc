// rollcalld: the command line.

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "config/load.h"
#include "daemon/cli/deep_check.h"
#include "daemon/cli/schema_command.h"
#include "daemon/cli/schema_markdown.h"
#include "daemon/cli/spool_command.h"
#include "daemon/cli/token_command.h"
#include "daemon/daemon.h"
#include "daemon/net/tls_context.h"
#include "daemon/security/credentials.h"
#include "daemon/security/fingerprint_key.h"
#include "pipeline/base/log.h"

namespace {

using namespace rollcall;

constexpr int exit_usage = 2;
constexpr const char* default_file = "/etc/rollcall/rollcall.toml";

// SchemaArguments: the arguments of rollcalld schema show, diff and apply.
struct SchemaArguments {
    void add_to(CLI::App& schema) {
        schema.require_subcommand(1);
        show = schema.add_subcommand("show", "Print every column and its names, or SQL");
        show->add_option("--format", format, "How to print it; sql if a dialect is named")
            ->check(CLI::IsMember({"markdown", "sql"}));
        diff = schema.add_subcommand("diff", "Print what differs in the database; status 1 if so");
        apply = schema.add_subcommand("apply", "Make in the database what is missing");
        for (auto* command : {show, diff, apply})
            command->add_option("--dialect", dialect, "Of which database")
                ->check(CLI::IsMember(
                    std::vector<std::string>(std::begin(dialect_names), std::end(dialect_names))));
        for (auto* command : {diff, apply}) {
            command
                ->add_option("--as", administrator.user,
                             "Log in with this name, not singlestore.user")
                ->type_name("USER");
            command->add_option("--password-file", administrator.password_file, "Its password")
                ->type_name("FILE");
        }
    }

    [[nodiscard]] int run(const Settings& settings) const {
        const auto which = static_cast<SqlDialect>(
            std::ranges::find(dialect_names, dialect.empty() ? "singlestore" : dialect) -
            std::begin(dialect_names));
        if (show->parsed()) {
            const bool sql = format.empty() ? !dialect.empty() : format == "sql";
            std::fputs((sql ? show_schema(settings, which) : schema_markdown()).c_str(), stdout);
            return EXIT_SUCCESS;
        }
        const std::string state_dir = state_dir_of(settings);
        const auto report = diff->parsed()
                                ? diff_schema(settings, which, state_dir, administrator)
                                : apply_schema(settings, which, state_dir, administrator);
        if (!report) {
            fmt::print(stderr, "{}\n", describe(report.error()));
            return EXIT_FAILURE;
        }
        std::fputs(report->text.c_str(), stdout);
        return report->same ? EXIT_SUCCESS : EXIT_FAILURE;
    }

    CLI::App* show = nullptr;
    CLI::App* diff = nullptr;
    CLI::App* apply = nullptr;
    std::string format;
    std::string dialect;
    Administrator administrator;
};

// TokenArguments: the arguments of rollcalld token new, show and key.
struct TokenArguments {
    void add_to(CLI::App& tokens) {
        tokens.require_subcommand(1);
        make = tokens.add_subcommand(
            "new",
            "Print a new token: a JSON Web Token if there is an HS256 key, else a stored token");
        make->add_option("--site", request.site, "Site of the token")->required();
        make->add_option("--tenant", request.tenant, "Tenant of the site");
        make->add_option("--expires", request.expires, "Lifetime of the token, such as 30d")
            ->type_name("TIME");
        make->add_option("--key", request.key_id, "Key that signs the token")->type_name("ID");
        make->add_flag("--stored", request.stored,
                       "Print a stored token even if there is an HS256 key");
        show = tokens.add_subcommand("show",
                                     "Print what a token says, and whether the daemon accepts it");
        show->add_option("TOKEN", token, "The token; - reads it from standard input")->required();
        key = tokens.add_subcommand("key", "Print a new line for auth.signing_keys_file");
        key->add_option("--id", key_id, "Id of the key")->required();
    }

    [[nodiscard]] int run(const Settings& settings) {
        const Clock clock;
        if (show->parsed()) {
            if (token == "-") std::getline(std::cin, token);
            const auto report = show_token(settings, token, clock);
            if (!report) return fail_with(report.error());
            std::fputs(report->text.c_str(), stdout);
            return report->accepted ? EXIT_SUCCESS : EXIT_FAILURE;
        }
        const auto made = key->parsed() ? new_key(key_id) : new_token(settings, request, clock);
        if (!made) return fail_with(made.error());
        std::fputs(made->c_str(), stdout);
        return EXIT_SUCCESS;
    }

    static int fail_with(const Error& error) {
        fmt::print(stderr, "{}\n", describe(error));
        return EXIT_FAILURE;
    }

    CLI::App* make = nullptr;
    CLI::App* show = nullptr;
    CLI::App* key = nullptr;
    TokenRequest request;
    std::string token;
    std::string key_id;
};

// Reads the files that the settings name and prints what is wrong. Returns whether all are right.
bool check_files(const Settings& settings) {
    const Clock clock;
    const auto read = TlsContext(settings, clock).load();
    if (!read) fmt::print(stderr, "{}\n", describe(read.error()));
    CredentialFiles files(settings);
    for (const auto& warning : files.warnings()) fmt::print(stderr, "warning: {}\n", warning);
    const auto loaded = files.load();
    if (!loaded) fmt::print(stderr, "{}\n", describe(loaded.error()));
    const std::string& key_file = settings.delivery.fingerprint_key_file;
    const auto key = key_file.empty() ? KeyedHash::Key{} : read_fingerprint_key(key_file);
    if (!key) fmt::print(stderr, "{}\n", describe(key.error()));
    return read.has_value() && loaded.has_value() && key.has_value();
}

// SpoolArguments: the arguments of rollcalld spool list, verify, dump and replay.
struct SpoolArguments {
    void add_to(CLI::App& spool) {
        spool.require_subcommand(1);
        list = spool.add_subcommand("list", "Print the spool's segments");
        verify = spool.add_subcommand("verify", "Read every record; status 1 if one is damaged");
        dump = spool.add_subcommand("dump", "Print the rows of records");
        replay = spool.add_subcommand("replay", "Send records to a sink again");
        for (auto* command : {list, verify, dump})
            command->add_option("--format", format, "How to print it")
                ->check(CLI::IsMember(std::vector<std::string>(std::begin(spool_format_names),
                                                               std::end(spool_format_names))));
        for (auto* command : {dump, replay}) {
            command->add_option("--from", range.first, "The first record")->type_name("NUMBER");
            command->add_option("--to", range.end, "The record behind the last")
                ->type_name("NUMBER");
        }
        for (auto* command : {list, dump, replay}) {
            command->add_flag("--dead", dead, "Rows that a sink refused for good");
            command->add_option("--sink", sink, "Which one; of dead letters all if none is named")
                ->check(CLI::IsMember({"sqlite", "kafka", "singlestore"}));
        }
        for (auto* command : {list, dump})
            command->get_option("--sink")->needs(command->get_option("--dead"));
        for (const char* name : {"--from", "--to"})
            replay->get_option("--dead")->excludes(replay->get_option(name));
    }

    [[nodiscard]] int run(const Settings& settings) const {
        if (replay->parsed() && !dead && sink.empty()) {
            fmt::print(stderr, "replay: --sink is required\n");
            return exit_usage;
        }
        const std::string state_dir = state_dir_of(settings);
        const std::string directory = state_dir + "/spool";
        const auto how = static_cast<SpoolFormat>(std::ranges::find(spool_format_names, format) -
                                                  std::begin(spool_format_names));
        const Result<bool> verdict = dead ? run_dead(settings, state_dir, directory, how)
                                     : list->parsed()   ? list_spool(directory, how, stdout)
                                     : verify->parsed() ? verify_spool(directory, how, stdout)
                                     : dump->parsed()
                                         ? dump_spool(directory, range, how, stdout)
                                         : replay_spool(settings, state_dir, sink, range, stdout);
        if (!verdict) fmt::print(stderr, "{}\n", describe(verdict.error()));
        return verdict.value_or(false) ? EXIT_SUCCESS : EXIT_FAILURE;
    }

    [[nodiscard]] Result<bool> run_dead(const Settings& settings, const std::string& state_dir,
                                        const std::string& directory, SpoolFormat how) const {
        if (list->parsed()) return list_dead_letters(directory, sink, how, stdout);
        if (dump->parsed()) return dump_dead_letters(directory, sink, range, how, stdout);
        return replay_dead_letters(settings, state_dir, sink, stdout);
    }

    CLI::App* list = nullptr;
    CLI::App* verify = nullptr;
    CLI::App* dump = nullptr;
    CLI::App* replay = nullptr;
    std::string format = "table";
    bool dead = false;
    std::string sink;
    SpoolRange range;
};

int say_deep_problems(const Settings& settings) {
    const auto problems = deep_problems(settings, state_dir_of(settings));
    for (const auto& problem : problems) fmt::print(stderr, "{}\n", problem);
    if (problems.empty()) std::puts("So is what they name.");
    return problems.empty() ? EXIT_SUCCESS : EXIT_FAILURE;
}

int run(int argc, char** argv) {
    CLI::App app{"Takes the check-ins of fleets of MikroTik routers."};
    app.require_subcommand(1);
    app.fallthrough();
    std::string file;
    std::vector<std::string> sets;
    app.add_option("--config", file, "Settings file")->type_name("FILE");
    app.add_option("--set", sets, "One setting, over the file's")
        ->type_name("SECTION.KEY=VALUE")
        ->take_all()
        ->allow_extra_args(false);
    const auto* serve = app.add_subcommand("serve", "Take check-ins until told to stop");
    auto* check = app.add_subcommand("check", "Say what is wrong with the settings");
    bool deep = false;
    check->add_flag("--deep", deep, "And with what they name: directories, spool, limits, sinks");
    const auto* show = app.add_subcommand("settings", "Print every setting, as a settings file");
    auto* schema = app.add_subcommand("schema", "What a check-in is stored as");
    schema->require_subcommand(1);
    SchemaArguments schema_arguments;
    schema_arguments.add_to(*schema);
    TokenArguments token_arguments;
    auto* token = app.add_subcommand("token", "Tokens by which routers are known");
    token_arguments.add_to(*token);
    auto* spool = app.add_subcommand("spool", "What the spool holds; a daemon may run meanwhile");
    SpoolArguments spool_arguments;
    spool_arguments.add_to(*spool);
    const auto* version = app.add_subcommand("version", "Print the version");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? EXIT_SUCCESS : exit_usage;
    }
    if (version->parsed()) {
        std::puts("rollcalld " ROLLCALL_VERSION);
        return EXIT_SUCCESS;
    }
    if (file.empty() && std::filesystem::exists(default_file)) file = default_file;
    const auto settings = load(file.empty() ? std::nullopt : std::optional(file), sets);
    if (!settings) {
        for (const auto& problem : settings.error())
            fmt::print(stderr, "{}\n", to_text(problem, file));
        return exit_settings;
    }
    if (schema->parsed()) return schema_arguments.run(*settings);
    if (token->parsed()) return token_arguments.run(*settings);
    if (spool->parsed()) return spool_arguments.run(*settings);
    if (show->parsed()) std::fputs(to_toml(*settings).c_str(), stdout);
    if (check->parsed()) {
        if (!check_files(*settings)) return exit_settings;
        std::puts("The settings are right.");
        if (deep) return say_deep_problems(*settings);
    }
    if (!serve->parsed()) return EXIT_SUCCESS;
    set_log_level(settings->general.log_level);
    return Daemon(*settings, ROLLCALL_VERSION).run();
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "rollcalld: %s\n", error.what());
        return EXIT_FAILURE;
    }
}
