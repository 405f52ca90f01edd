// AddressRange: a network of IP addresses in the notation of the settings: `192.0.2.0/24`,
// `2001:db8::/32`, or a single address.
//
// An IPv4 address and the IPv4-mapped IPv6 address of the same host (RFC 4291, section 2.5.5.2)
// count as one address. The bits after the network's prefix are ignored.
//
// Threads: pure functions; a range is constant.
#pragma once

#include <netinet/in.h>

#include <cstddef>
#include <optional>
#include <string_view>

namespace rollcall {

// Parses an address, which must not name a zone (`%eth0`). An IPv4 address becomes its IPv4-mapped
// IPv6 address. Returns nothing if the text is not an address.
[[nodiscard]] std::optional<in6_addr> parse_address(std::string_view text);

class AddressRange {
public:
    // Returns nothing if the text is not a network.
    [[nodiscard]] static std::optional<AddressRange> parse(std::string_view text);

    [[nodiscard]] bool contains(const in6_addr& address) const;

private:
    AddressRange(const in6_addr& first, size_t bits) : first_(first), bits_(bits) {}

    in6_addr first_;
    size_t bits_;  // Length of the network's prefix, 0 to 128.
};

}  // namespace rollcall
