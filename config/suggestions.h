// Suggestions: which known name an operator probably meant by one that is unknown.
//
// Threads: pure functions.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace rollcall {

// Returns the known name that is nearest: one with the same key in another section, or one that a
// few edits away. "spool.syncc" gives "spool.sync"; "entirely.different" gives nothing.
[[nodiscard]] std::optional<std::string_view> nearest_name(
    std::string_view name, const std::vector<std::string_view>& known_names);

}  // namespace rollcall
