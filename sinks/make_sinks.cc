#include "sinks/make_sinks.h"

#include "sinks/discard_sink.h"
#include "sinks/sqlite_sink.h"

namespace rollcall {

std::vector<NamedSink> make_sinks(const Settings& settings, const std::string& state_dir) {
    std::vector<NamedSink> sinks;
    for (const auto& name : settings.general.sinks) {
        if (name == to_text(SinkName::sqlite)) {
            const std::string path =
                settings.sqlite.path.empty() ? state_dir + "/rollcall.db" : settings.sqlite.path;
            sinks.push_back({SinkName::sqlite, std::make_unique<SqliteSink>(path)});
        }
        if (name == to_text(SinkName::discard))
            sinks.push_back({SinkName::discard, std::make_unique<DiscardSink>()});
    }
    return sinks;
}

}  // namespace rollcall
