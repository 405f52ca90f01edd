// Cross-checks: rules that involve more than the bounds of a single setting. Addresses are
// host:port, anonymous check-ins stay on loopback unless the operator allows otherwise, every sink
// is listed once, trusted proxies are networks, a batch has room for a slot, and a feature that
// needs a file or a login names it.
//
// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"

namespace rollcall {

struct Contradiction {
    std::string_view setting;  // The setting to change, by its name in the table.
    std::string message;
};

// Returns all contradictions, in a fixed order.
[[nodiscard]] std::vector<Contradiction> contradictions_in(const Settings& settings);

// Returns a warning for each listener to which tokens travel over a network without TLS.
[[nodiscard]] std::vector<std::string> plaintext_warnings(const Settings& settings);

}  // namespace rollcall
