#include <fmt/core.h>

#include "daemon/cli/command.h"
#include "daemon/cli/completion.h"
#include "daemon/cli/manual.h"
#include "daemon/cli/reference.h"

namespace rollcall {

namespace {

struct Topic {
    std::string_view name;
    std::string (*print)(const CLI::App& program);
};

constexpr Topic topics[] = {
    {"settings", [](const CLI::App&) { return settings_reference(); }},
    {"metrics", [](const CLI::App&) { return metrics_reference(); }},
    {"messages", [](const CLI::App&) { return messages_reference(); }},
    {"manual", program_manual},
    {"settings-manual", [](const CLI::App&) { return settings_manual(); }},
    {"completion", bash_completion},
};

class ReferenceCommand final : public Command {
public:
    void add_to(CLI::App& program) override {
        program_ = &program;
        app_ = program.add_subcommand("reference",
                                      "Print a document about all settings, metrics or messages, a "
                                      "manual page, or the bash completion");
        std::vector<std::string> names;
        for (const auto& topic : topics) names.emplace_back(topic.name);
        app_->add_option("TOPIC", topic_, "Topic of the document")
            ->required()
            ->check(one_of(std::move(names)));
        set_example(*app_, "rollcalld reference settings > configuration.md");
    }

    [[nodiscard]] int run(const Settings&) override {
        for (const auto& topic : topics)
            if (topic.name == topic_) fmt::print("{}", topic.print(*program_));
        return EXIT_SUCCESS;
    }

private:
    const CLI::App* program_ = nullptr;  // Set by add_to().
    std::string topic_;
};

}  // namespace

std::unique_ptr<Command> make_reference_command() { return std::make_unique<ReferenceCommand>(); }

}  // namespace rollcall
