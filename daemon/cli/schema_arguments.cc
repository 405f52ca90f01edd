#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "daemon/cli/command.h"
#include "daemon/cli/schema_command.h"
#include "daemon/cli/schema_markdown.h"
#include "daemon/daemon.h"

namespace rollcall {

namespace {

class SchemaCommand final : public Command {
public:
    void add_to(CLI::App& program) override {
        app_ = program.add_subcommand("schema", "Print, compare or create the tables");
        app_->require_subcommand(1);
        set_example(*app_, "rollcalld schema apply --help");
        show_ = app_->add_subcommand(
            "show", "Print the columns and the field names that set them, or the SQL statements");
        show_
            ->add_option("--format", format_,
                         "Format; the default is markdown, or sql if --dialect is given")
            ->check(one_of({"markdown", "sql"}));
        set_example(*show_, "rollcalld schema show --dialect singlestore");
        diff_ = app_->add_subcommand("diff",
                                     "Print how the database differs from what this version needs; "
                                     "exit status 1 if it differs");
        set_example(*diff_,
                    "rollcalld schema diff --dialect mariadb --as root --password-file "
                    "/etc/rollcall/administrator");
        apply_ = app_->add_subcommand("apply",
                                      "Create the missing tables, columns, users and pipelines");
        set_example(*apply_,
                    "rollcalld schema apply --dialect mariadb --as root --password-file "
                    "/etc/rollcall/administrator");
        for (auto* command : {show_, diff_, apply_})
            command->add_option("--dialect", dialect_, "SQL dialect; the default is singlestore")
                ->check(one_of({std::begin(dialect_names), std::end(dialect_names)}));
        for (auto* command : {diff_, apply_}) {
            command
                ->add_option("--as", administrator_.user,
                             "Database user for this command; the default is singlestore.user")
                ->type_name("USER");
            command
                ->add_option("--password-file", administrator_.password_file,
                             "File with the password of the user given by --as")
                ->type_name("FILE");
        }
    }

    [[nodiscard]] int run(const Settings& settings) override {
        const auto dialect = static_cast<SqlDialect>(
            std::ranges::find(dialect_names, dialect_.empty() ? "singlestore" : dialect_) -
            std::begin(dialect_names));
        if (show_->parsed()) {
            const bool sql = format_.empty() ? !dialect_.empty() : format_ == "sql";
            fmt::print("{}", sql ? show_schema(settings, dialect) : schema_markdown());
            return EXIT_SUCCESS;
        }
        const std::string state_dir = state_dir_of(settings);
        const auto report = diff_->parsed()
                                ? diff_schema(settings, dialect, state_dir, administrator_)
                                : apply_schema(settings, dialect, state_dir, administrator_);
        if (!report) return failed(report.error());
        fmt::print("{}", report->text);
        return report->same ? EXIT_SUCCESS : EXIT_FAILURE;
    }

private:
    CLI::App* show_ = nullptr;
    CLI::App* diff_ = nullptr;
    CLI::App* apply_ = nullptr;
    std::string format_;
    std::string dialect_;
    Administrator administrator_;
};

}  // namespace

std::unique_ptr<Command> make_schema_command() { return std::make_unique<SchemaCommand>(); }

}  // namespace rollcall
