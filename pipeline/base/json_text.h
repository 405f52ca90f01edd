// JSON text: writes a string as a JSON string (RFC 8259, section 7).
//
// The output is valid UTF-8 for any input. Bytes that are not UTF-8 are read as Windows-1252
// (utf8.h), as in the values of reports.
//
// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace rollcall {

// Appends the text in quotes.
void append_json_text(std::string_view text, std::string& out);
[[nodiscard]] std::string json_text(std::string_view text);

}  // namespace rollcall
