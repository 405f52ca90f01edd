// Deep check: rollcalld check --deep. What the settings name, looked at: the state directory, the
// spool to its last record, room and file descriptors for the limits, the sinks' tables.
//
// It changes nothing, and may be used while a daemon runs.
// Threads: main.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/settings.h"

namespace rollcall {

// A sentence for each problem; none if there is none.
[[nodiscard]] std::vector<std::string> deep_problems(const Settings& settings,
                                                     const std::string& state_dir);

}  // namespace rollcall
