// Deep check: rollcalld check --deep. It checks what the settings refer to: the state directory,
// every record of the spool, disk space and file descriptors for the configured limits, and the
// sinks' tables.
//
// It changes nothing and can run beside a daemon.
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
