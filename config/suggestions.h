// Suggestions: finds the known name that an operator probably meant by an unknown one.
//
// Threads: pure functions.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace rollcall {

// Returns the nearest known name: one with the same key in another section, one that begins with
// the name, or one that differs by a few edits. "spool.syncc" gives "spool.sync";
// "entirely.different" gives nothing.
[[nodiscard]] std::optional<std::string_view> nearest_name(
    std::string_view name, const std::vector<std::string_view>& known_names);

}  // namespace rollcall
