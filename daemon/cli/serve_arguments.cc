#include "daemon/cli/command.h"
#include "daemon/daemon.h"
#include "pipeline/base/log.h"

namespace rollcall {

namespace {

class ServeCommand final : public Command {
public:
    void add_to(CLI::App& program) override {
        app_ = program.add_subcommand("serve", "Accept check-ins until SIGTERM or SIGINT");
        set_example(*app_,
                    "rollcalld serve --set http.listen=0.0.0.0:8080 --set auth.mode=tokens \\\n"
                    "      --set auth.tokens_file=/etc/rollcall/tokens");
    }

    [[nodiscard]] int run(const Settings& settings) override {
        set_log_level(settings.general.log_level);
        set_log_format(settings.general.log_format);
        return Daemon(settings, ROLLCALL_VERSION, config_file_).run();
    }
};

}  // namespace

std::unique_ptr<Command> make_serve_command() { return std::make_unique<ServeCommand>(); }

}  // namespace rollcall
