// Identities: serial numbers, licence ids, MAC addresses and other ids that name one router.
//
// Where a router has no serial number, scripts send another text, such as `unknown`, `N/A` or the
// name of the product. If such a text were stored as an identity, many routers would become one
// site.
//
// Sources of the formats. Serial numbers: as /system routerboard prints them, 8 to 12 letters and
// digits; older ones have a revision after a slash. Licence ids: as /system license prints them,
// eight characters with a hyphen in the middle, or eleven characters for a CHR.
//
// Threads: pure functions.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace rollcall::identities {

// Returns whether a text means that the value is missing: `unknown`, `N/A`, `--`, `0`, `$serial`,
// `{{serial}}`, or the name of a product or of its maker.
[[nodiscard]] bool is_placeholder(std::string_view text);

// Returns whether a text has the format in which MikroTik prints serial numbers, in upper or lower
// case.
[[nodiscard]] bool is_routerboard_serial(std::string_view text);

// Returns whether a text can be a serial number: letters, digits and `-_./`, at most 32 characters,
// not a placeholder. Serial numbers of virtual routers and of other makers do not have MikroTik's
// format.
[[nodiscard]] bool is_serial(std::string_view text);

// Returns whether a text can be a licence id: letters, digits and `+/=-_`, at most 32 characters,
// not a placeholder.
[[nodiscard]] bool is_licence(std::string_view text);

// Returns whether a text can name a site: it has no control characters and is not a placeholder.
[[nodiscard]] bool is_site(std::string_view text);

// A MAC address in its normalized spelling, in which it is stored: "48:A9:8A:77:00:02".
struct Mac {
    std::array<char, 17> text;
    [[nodiscard]] std::string_view view() const { return {text.data(), text.size()}; }
};
// Reads a MAC address with the separator `:`, `-` or `.`. Accepts an address without separators
// only if `bare_too`, because twelve hex digits may also be a serial number. Returns nothing if all
// bits are zeros or all are ones.
[[nodiscard]] std::optional<Mac> mac(std::string_view text, bool bare_too);

}  // namespace rollcall::identities
