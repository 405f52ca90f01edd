#include <fmt/core.h>

#include <iostream>

#include "daemon/cli/command.h"
#include "daemon/cli/revoke_token.h"
#include "daemon/cli/token_command.h"

namespace rollcall {

namespace {

class TokenCommand final : public Command {
public:
    void add_to(CLI::App& program) override {
        app_ = program.add_subcommand(
            "token", "Create tokens for routers, show what a token contains, or revoke it");
        app_->require_subcommand(1);
        set_example(*app_, "rollcalld token new --help");
        add_new();
        show_ = app_->add_subcommand(
            "show", "Print what a token contains, and whether the daemon accepts it");
        show_->add_option("TOKEN", token_, "The token; - reads it from standard input")->required();
        set_example(*show_, "rollcalld token show - < token");
        revoke_ = app_->add_subcommand(
            "revoke", "Add a JSON Web Token to auth.revoked_file; a reload then ends its use");
        revoke_
            ->add_option(
                "ID", revoked_id_,
                "Id of the token (its claim jti), which `token new` and `token show` print")
            ->required();
        set_example(*revoke_, "rollcalld token revoke Zm9yLi4uaGVyZS4u");
        key_ =
            app_->add_subcommand("key", "Print a line with a new key for auth.signing_keys_file");
        key_->add_option("--id", key_id_, "Id of the key")->required();
        set_example(*key_, "rollcalld token key --id 2026 >> /etc/rollcall/signing_keys");
    }

    [[nodiscard]] int run(const Settings& settings) override {
        const Clock clock;
        if (show_->parsed()) {
            if (token_ == "-") std::getline(std::cin, token_);
            const auto report = show_token(settings, token_, clock);
            if (!report) return failed(report.error());
            fmt::print("{}", report->text);
            return report->accepted ? EXIT_SUCCESS : EXIT_FAILURE;
        }
        if (revoke_->parsed()) {
            const auto revoked = revoke_token(settings, revoked_id_);
            if (!revoked) return failed(revoked.error());
            fmt::print("{}", *revoked);
            return EXIT_SUCCESS;
        }
        if (key_->parsed()) {
            const auto key = new_key(key_id_);
            if (!key) return failed(key.error());
            fmt::print("{}", *key);
            return EXIT_SUCCESS;
        }
        return print_new_token(new_token(settings, request_, clock));
    }

private:
    // The id goes to standard error, because scripts read the token from standard output.
    static int print_new_token(const Result<NewToken>& token) {
        if (!token) return failed(token.error());
        fmt::print("{}", token->text);
        if (!token->id.empty())
            fmt::print(stderr, "id {} (to revoke the token: rollcalld token revoke {})\n",
                       token->id, token->id);
        return EXIT_SUCCESS;
    }

    void add_new() {
        auto* create = app_->add_subcommand(
            "new",
            "Print a new token: a JSON Web Token if auth.signing_keys_file "
            "has an HS256 key, or else a random token and, on a second line, its entry for "
            "auth.tokens_file");
        create->add_option("--site", request_.site, "Name of the site that may use the token")
            ->required();
        create->add_option("--tenant", request_.tenant, "Tenant of the site");
        create
            ->add_option("--expires", request_.expires,
                         "Lifetime of the token, such as 30d; without it, the token never expires")
            ->type_name("TIME");
        create
            ->add_option("--key", request_.key_id,
                         "Id of the signing key; the default is the first HS256 key")
            ->type_name("ID");
        create->add_flag("--stored", request_.stored,
                         "Print a random token even if there is an HS256 key");
        set_example(*create, "rollcalld token new --site HX1 --expires 365d");
    }

    CLI::App* show_ = nullptr;
    CLI::App* key_ = nullptr;
    CLI::App* revoke_ = nullptr;
    TokenRequest request_;
    std::string token_;
    std::string key_id_;
    std::string revoked_id_;
};

}  // namespace

std::unique_ptr<Command> make_token_command() { return std::make_unique<TokenCommand>(); }

}  // namespace rollcall
