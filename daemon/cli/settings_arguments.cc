#include <fmt/core.h>

#include "config/load.h"
#include "daemon/cli/command.h"

namespace rollcall {

namespace {

class SettingsCommand final : public Command {
public:
    void add_to(CLI::App& program) override {
        app_ = program.add_subcommand("settings", "Print all settings as a settings file");
        app_->add_flag("--comment-defaults", comment_defaults_,
                       "Write # before each setting that has its default value");
        set_example(*app_, "rollcalld settings --comment-defaults > rollcall.toml");
    }

    [[nodiscard]] int run(const Settings& settings) override {
        fmt::print("{}", to_toml(settings,
                                 comment_defaults_ ? Defaults::commented_out : Defaults::written));
        return EXIT_SUCCESS;
    }

private:
    bool comment_defaults_ = false;
};

}  // namespace

std::unique_ptr<Command> make_settings_command() { return std::make_unique<SettingsCommand>(); }

}  // namespace rollcall
