#include <fmt/core.h>

#include "config/load.h"
#include "daemon/cli/command.h"

namespace rollcall {

namespace {

class SettingsCommand final : public Command {
public:
    void add_to(CLI::App& program) override {
        app_ = program.add_subcommand("settings", "Print all settings as a settings file");
        set_example(*app_, "rollcalld settings > rollcall.toml");
    }

    [[nodiscard]] int run(const Settings& settings) override {
        fmt::print("{}", to_toml(settings));
        return EXIT_SUCCESS;
    }
};

}  // namespace

std::unique_ptr<Command> make_settings_command() { return std::make_unique<SettingsCommand>(); }

}  // namespace rollcall
