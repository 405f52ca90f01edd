// Deep check: rollcalld check --deep. It checks the state directory, every record of the spool, and
// the sinks' tables. It also checks that the machine has the disk space and file descriptors that
// the settings need.
//
// The check changes nothing, and can run while the daemon runs.
//
// Threads: main.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/settings.h"

namespace rollcall {

// Returns a sentence for each problem; empty if all is well.
[[nodiscard]] std::vector<std::string> deep_problems(const Settings& settings,
                                                     const std::string& state_dir);

}  // namespace rollcall
