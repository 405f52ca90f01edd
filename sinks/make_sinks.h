// make_sinks: makes the sinks that the settings name.
#pragma once

#include <string>
#include <vector>

#include "config/settings.h"
#include "pipeline/pipeline.h"
#include "sinks/singlestore/watch.h"

namespace rollcall {

// state_dir holds the SQLite file if sqlite.path is empty. The settings must outlive the sinks.
[[nodiscard]] std::vector<NamedSink> make_sinks(const Settings& settings,
                                                const std::string& state_dir);

// Returns a function that returns the end of the Kafka sink's topic, for any thread; an empty
// function if there is no Kafka sink. The sink must outlive it.
[[nodiscard]] SinglestoreWatch::TopicEnd topic_end_of(const std::vector<NamedSink>& sinks);

}  // namespace rollcall
