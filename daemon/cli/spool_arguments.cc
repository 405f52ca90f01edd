#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "daemon/cli/command.h"
#include "daemon/cli/spool_command.h"
#include "daemon/daemon.h"
#include "pipeline/base/files.h"

namespace rollcall {

namespace {

class SpoolCommand final : public Command {
public:
    void add_to(CLI::App& program) override {
        app_ = program.add_subcommand(
            "spool",
            "Inspect the spool, or send its records to a sink again; works while the daemon runs");
        app_->require_subcommand(1);
        set_example(*app_, "rollcalld spool dump --help");
        list_ =
            app_->add_subcommand("list", "Print the segments, or a summary of the dead letters");
        verify_ =
            app_->add_subcommand("verify", "Read every record; exit status 1 if one is damaged");
        dump_ = app_->add_subcommand("dump", "Print the rows of records or dead letters");
        replay_ = app_->add_subcommand("replay", "Send records or dead letters to a sink again");
        add_options();
        set_example(*list_, "rollcalld spool list --dead");
        set_example(*verify_, "rollcalld spool verify");
        set_example(*dump_, "rollcalld spool dump --from 4711 --to 4712 --format json");
        set_example(*replay_, "rollcalld spool replay --sink sqlite --from 4711");
    }

    [[nodiscard]] int run(const Settings& settings) override {
        if (replay_->parsed() && !dead_ && sink_.empty()) {
            fmt::print(stderr, "replay: --sink is required\n");
            return exit_usage;
        }
        if (auto found = check_directory(state_dir_of(settings), "state_dir"); !found)
            return failed(found.error());
        const auto as_it_should_be = dead_ ? run_dead(settings) : run_records(settings);
        if (!as_it_should_be) return failed(as_it_should_be.error());
        return *as_it_should_be ? EXIT_SUCCESS : EXIT_FAILURE;
    }

private:
    void add_options() {
        for (auto* command : {list_, verify_, dump_})
            command->add_option("--format", format_, "Format; the default is table")
                ->check(one_of({std::begin(spool_format_names), std::end(spool_format_names)}));
        for (auto* command : {dump_, replay_}) {
            command->add_option("--from", range_.first, "First record; default: the oldest")
                ->type_name("NUMBER");
            command
                ->add_option("--to", range_.end,
                             "Only records below this number; default: no limit")
                ->type_name("NUMBER");
        }
        for (auto* command : {list_, dump_, replay_}) {
            command->add_flag("--dead", dead_,
                              "Use the dead letters: rows that a sink has refused");
            command
                ->add_option(
                    "--sink", sink_,
                    "Name of a sink. replay requires it unless --dead is given; with --dead, "
                    "the default is every sink")
                ->check(one_of({"sqlite", "kafka", "singlestore"}));
        }
        for (auto* command : {list_, dump_})
            command->get_option("--sink")->needs(command->get_option("--dead"));
        for (const char* name : {"--from", "--to"})
            replay_->get_option("--dead")->excludes(replay_->get_option(name));
    }

    [[nodiscard]] SpoolFormat format() const {
        return static_cast<SpoolFormat>(std::ranges::find(spool_format_names, format_) -
                                        std::begin(spool_format_names));
    }

    [[nodiscard]] Result<bool> run_records(const Settings& settings) const {
        const std::string state_dir = state_dir_of(settings);
        const std::string spool = state_dir + "/spool";
        if (list_->parsed()) return list_spool(spool, format(), stdout);
        if (verify_->parsed()) return verify_spool(spool, format(), stdout);
        if (dump_->parsed()) return dump_spool(spool, range_, format(), stdout);
        return replay_spool(settings, state_dir, sink_, range_, stdout);
    }

    [[nodiscard]] Result<bool> run_dead(const Settings& settings) const {
        const std::string state_dir = state_dir_of(settings);
        const std::string spool = state_dir + "/spool";
        if (list_->parsed()) return list_dead_letters(spool, sink_, format(), stdout);
        if (dump_->parsed()) return dump_dead_letters(spool, sink_, range_, format(), stdout);
        return replay_dead_letters(settings, state_dir, sink_, stdout);
    }

    CLI::App* list_ = nullptr;
    CLI::App* verify_ = nullptr;
    CLI::App* dump_ = nullptr;
    CLI::App* replay_ = nullptr;
    std::string format_ = "table";
    bool dead_ = false;
    std::string sink_;
    SpoolRange range_;
};

}  // namespace

std::unique_ptr<Command> make_spool_command() { return std::make_unique<SpoolCommand>(); }

}  // namespace rollcall
