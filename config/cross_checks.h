// Cross-checks: rules that involve more than the bounds of a single setting. For example, anonymous
// check-ins are accepted only on loopback unless the operator allows otherwise. Another example: if
// a setting needs a file or a login, the settings that name the file or the login must not be
// empty.
//
// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"

namespace rollcall {

struct Contradiction {
    std::string_view setting;  // The name of the setting to change, as in settings.def.
    std::string message;
};

// Returns all contradictions, in a fixed order.
[[nodiscard]] std::vector<Contradiction> contradictions_in(const Settings& settings);

// Returns a warning for each listener that receives tokens over a network without TLS.
[[nodiscard]] std::vector<std::string> plaintext_warnings(const Settings& settings);

}  // namespace rollcall
