// Suggestions: finds the known name that an operator probably meant by an unknown name.
//
// Threads: pure functions.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace rollcall {

// Returns the most similar known name, or nothing. A name is similar if it has the same key in
// another section, begins with the unknown name, or differs by a few edits. "spool.syncc" gives
// "spool.sync"; "entirely.different" gives nothing.
[[nodiscard]] std::optional<std::string_view> nearest_name(
    std::string_view name, const std::vector<std::string_view>& known_names);

}  // namespace rollcall
