#include "sinks/make_sinks.h"

#include "sinks/discard_sink.h"
#include "sinks/kafka/sink.h"
#include "sinks/singlestore/sink.h"
#include "sinks/sqlite/sink.h"

namespace rollcall {

std::vector<NamedSink> make_sinks(const Settings& settings, const std::string& state_dir) {
    std::vector<NamedSink> sinks;
    for (const auto& name : settings.general.sinks) {
        if (name == to_text(SinkName::sqlite)) {
            sinks.push_back({SinkName::sqlite,
                             std::make_unique<SqliteSink>(sqlite_path(settings, state_dir),
                                                          settings.sqlite.wal_size_max.count)});
        }
        if (name == to_text(SinkName::kafka))
            sinks.push_back({SinkName::kafka, std::make_unique<KafkaSink>(settings)});
        if (name == to_text(SinkName::singlestore))
            sinks.push_back({SinkName::singlestore, std::make_unique<SinglestoreSink>(settings)});
        if (name == to_text(SinkName::discard))
            sinks.push_back({SinkName::discard, std::make_unique<DiscardSink>()});
    }
    return sinks;
}

SinglestoreWatch::TopicEnd topic_end_of(const std::vector<NamedSink>& sinks) {
    for (const auto& [name, sink] : sinks)
        if (const auto* kafka = dynamic_cast<const KafkaSink*>(sink.get()))
            return [kafka] { return kafka->topic_end(); };
    return {};
}

}  // namespace rollcall
