#include <fmt/core.h>

#include "daemon/cli/command.h"
#include "daemon/cli/reference.h"

namespace rollcall {

namespace {

class ReferenceCommand final : public Command {
public:
    void add_to(CLI::App& program) override {
        app_ = program.add_subcommand("reference",
                                      "Print a document about all settings, metrics or messages");
        app_->add_option("TOPIC", topic_, "Topic of the document")
            ->required()
            ->check(one_of({"settings", "metrics", "messages"}));
        set_example(*app_, "rollcalld reference settings > configuration.md");
    }

    [[nodiscard]] int run(const Settings&) override {
        fmt::print("{}", topic_ == "settings"  ? settings_reference()
                         : topic_ == "metrics" ? metrics_reference()
                                               : messages_reference());
        return EXIT_SUCCESS;
    }

private:
    std::string topic_;
};

}  // namespace

std::unique_ptr<Command> make_reference_command() { return std::make_unique<ReferenceCommand>(); }

}  // namespace rollcall
