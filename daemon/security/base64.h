// Base64: bytes as text, and back; strictly, so that there is one text for some bytes.
//
// standard  with `+`, `/` and padding (RFC 4648, section 4): HTTP Basic
// url       with `-`, `_` and none (section 5; RFC 7515, section 2): tokens
//
// Threads: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rollcall {

// Nothing if the text is not what base64 would write: another letter, a length that cannot be, bits
// that are left over and not 0.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);
[[nodiscard]] std::optional<std::string> from_base64url(std::string_view text);

[[nodiscard]] std::string to_base64url(std::string_view bytes);

}  // namespace rollcall
