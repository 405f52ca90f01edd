// make_sinks: creates the sinks that the settings name.
#pragma once

#include <string>
#include <vector>

#include "config/settings.h"
#include "pipeline/pipeline.h"
#include "sinks/singlestore/watch.h"

namespace rollcall {

// If sqlite.path is empty, the SQLite file is in state_dir. The settings must outlive the sinks.
[[nodiscard]] std::vector<NamedSink> make_sinks(const Settings& settings,
                                                const std::string& state_dir);

// Returns a function that any thread may call to get the end of the Kafka sink's topic. If there is
// no Kafka sink, the function is empty. The sink must outlive the function.
[[nodiscard]] SinglestoreWatch::TopicEnd topic_end_of(const std::vector<NamedSink>& sinks);

}  // namespace rollcall
