// Base64: encodes bytes as text, and decodes the text. Decoding is strict: it accepts exactly one
// text for each sequence of bytes.
//
//   |  standard  with `+`, `/` and padding (RFC 4648, section 4): HTTP Basic
//   |  url       with `-`, `_` and no padding (section 5; RFC 7515, section 2): tokens
//
// Threads: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rollcall {

// Return the decoded bytes. Return nothing if the text has an invalid character, an impossible
// length, or unused bits that are not 0.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);
[[nodiscard]] std::optional<std::string> from_base64url(std::string_view text);

[[nodiscard]] std::string to_base64url(std::string_view bytes);

}  // namespace rollcall
