#include "config/address_range.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "config/setting_value.h"

namespace rollcall {

namespace {

constexpr size_t bits_ipv4 = 32;
constexpr size_t bits_ipv6 = 128;
// Number of bits before the IPv4 address in an IPv4-mapped address.
constexpr size_t bits_before_ipv4 = bits_ipv6 - bits_ipv4;

}  // namespace

std::optional<in6_addr> parse_address(std::string_view text) {
    char terminated[INET6_ADDRSTRLEN] = {};
    if (text.size() >= sizeof terminated || text.contains('\0')) return std::nullopt;
    text.copy(terminated, text.size());
    in6_addr address{};
    if (inet_pton(AF_INET6, terminated, &address) == 1) return address;
    if (inet_pton(AF_INET, terminated, &address.s6_addr[bits_before_ipv4 / 8]) != 1)
        return std::nullopt;
    std::memset(address.s6_addr, 0, bits_before_ipv4 / 8);
    address.s6_addr[10] = address.s6_addr[11] = 0xff;
    return address;
}

std::optional<AddressRange> AddressRange::parse(std::string_view text) {
    const size_t slash = std::min(text.find('/'), text.size());
    const std::string_view host = text.substr(0, slash);
    const auto first = parse_address(host);
    if (!first) return std::nullopt;
    if (slash == text.size()) return AddressRange(*first, bits_ipv6);
    const bool is_ipv6 = host.contains(':');
    const auto bits = value_from_text<Count>(text.substr(slash + 1));
    if (!bits || *bits > (is_ipv6 ? bits_ipv6 : bits_ipv4)) return std::nullopt;
    return AddressRange(*first, *bits + (is_ipv6 ? 0 : bits_before_ipv4));
}

bool AddressRange::contains(const in6_addr& address) const {
    const size_t whole = bits_ / 8;
    if (std::memcmp(address.s6_addr, first_.s6_addr, whole) != 0) return false;
    if (bits_ % 8 == 0) return true;
    const auto differing = static_cast<uint8_t>(address.s6_addr[whole] ^ first_.s6_addr[whole]);
    return differing >> (8 - bits_ % 8) == 0;
}

}  // namespace rollcall
