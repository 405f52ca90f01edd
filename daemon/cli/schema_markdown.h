// Schema: columns.def as a reader wants it.
//
// Threads: pure functions.
#pragma once

#include <string>

namespace rollcall {

// config/routeros/fields.md: every column, and the names that a report may use for it.
[[nodiscard]] std::string schema_markdown();

}  // namespace rollcall
