// The sinks that the settings name.
#pragma once

#include <string>
#include <vector>

#include "config/settings.h"
#include "pipeline/pipeline.h"

namespace rollcall {

// The default of sqlite.path lies in state_dir. The settings must outlive the sinks.
[[nodiscard]] std::vector<NamedSink> make_sinks(const Settings& settings,
                                                const std::string& state_dir);

}  // namespace rollcall
