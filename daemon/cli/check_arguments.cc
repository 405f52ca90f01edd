#include <fmt/core.h>

#include "config/cross_checks.h"
#include "daemon/admin/admin.h"
#include "daemon/cli/command.h"
#include "daemon/cli/deep_check.h"
#include "daemon/daemon.h"
#include "daemon/net/tls_context.h"
#include "daemon/security/credentials.h"
#include "daemon/security/fingerprint_key.h"

namespace rollcall {

namespace {

// Reads the files that the settings name, and prints their errors. Returns true if there are no
// errors.
bool check_files(const Settings& settings) {
    const Clock clock;
    const auto tls = TlsContext(settings, clock).load();
    if (!tls) fmt::print(stderr, "{}\n", describe(tls.error()));
    CredentialFiles files(settings);
    for (const auto& warning : files.warnings()) fmt::print(stderr, "warning: {}\n", warning);
    for (const auto& warning : plaintext_warnings(settings))
        fmt::print(stderr, "warning: {}\n", warning);
    const auto credentials = files.load();
    if (!credentials) fmt::print(stderr, "{}\n", describe(credentials.error()));
    const std::string& key_file = settings.delivery.fingerprint_key_file;
    const auto key = key_file.empty() ? KeyedHash::Key{} : read_fingerprint_key(key_file);
    if (!key) fmt::print(stderr, "{}\n", describe(key.error()));
    const std::string& token_file = settings.admin.token_file;
    const auto token = token_file.empty() ? Digest{} : read_admin_token(token_file);
    if (!token) fmt::print(stderr, "{}\n", describe(token.error()));
    return tls.has_value() && credentials.has_value() && key.has_value() && token.has_value();
}

class CheckCommand final : public Command {
public:
    void add_to(CLI::App& program) override {
        app_ = program.add_subcommand(
            "check", "Check the settings, and the files of certificates, keys and tokens");
        app_->add_flag("--deep", deep_,
                       "Also check the state directory, the spool, disk space, file descriptors, "
                       "and the tables of the sinks sqlite and singlestore");
        set_example(*app_, "rollcalld check --deep --config /etc/rollcall/rollcall.toml");
    }

    [[nodiscard]] int run(const Settings& settings) override {
        if (!check_files(settings)) return exit_settings;
        fmt::print("The settings are valid.\n");
        if (!deep_) return EXIT_SUCCESS;
        const auto problems = deep_problems(settings, state_dir_of(settings));
        for (const auto& problem : problems) fmt::print(stderr, "{}\n", problem);
        if (!problems.empty()) return EXIT_FAILURE;
        fmt::print(
            "The state directory, the spool, the limits and the tables have no problem. Kafka is "
            "not contacted.\n");
        return EXIT_SUCCESS;
    }

private:
    bool deep_ = false;
};

}  // namespace

std::unique_ptr<Command> make_check_command() { return std::make_unique<CheckCommand>(); }

}  // namespace rollcall
