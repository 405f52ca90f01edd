// JsonFault: where a text that simdjson refused stops being JSON.
//
// simdjson says that a text is bad, not where. This scanner walks the text by the grammar of
// RFC 8259 and finds the first byte that cannot be. It also knows what RFC 8259 allows and simdjson
// does not: numbers that no 64 bits hold (1e400), and half of a surrogate pair (\ud800).
//
// Only the rare path comes here: clarity before speed. Nothing allocates or recurses.
#pragma once

#include <cstddef>
#include <span>

#include "pipeline/error.h"

namespace rollcall {

// Arrays and objects within each other, empty ones not counted.
inline constexpr size_t json_depth_max = 32;

// Checks a text of valid UTF-8: malformed_json, trailing_data or too_deep, with the offset of the
// first bad byte. If the text is JSON, overwrites what simdjson refuses, length unchanged: numbers
// with `null` and spaces, half pairs with \ufffd.
[[nodiscard]] Result<void> mend_json(std::span<char> text);

}  // namespace rollcall
