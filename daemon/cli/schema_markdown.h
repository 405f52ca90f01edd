// Schema in Markdown: a document about the columns in columns.def.
//
// Threads: pure functions.
#pragma once

#include <string>

namespace rollcall {

// Returns config/routeros/fields.md: every column, and the names that a report may use for it.
[[nodiscard]] std::string schema_markdown();

}  // namespace rollcall
