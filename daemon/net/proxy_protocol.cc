#include "daemon/net/proxy_protocol.h"

#include <algorithm>

namespace rollcall {

namespace {

constexpr std::string_view signature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr size_t fixed_bytes = 16;
constexpr uint8_t version_2_local = 0x20;
constexpr uint8_t version_2_proxy = 0x21;
constexpr uint8_t tcp_over_ipv4 = 0x11;
constexpr uint8_t tcp_over_ipv6 = 0x21;
// A family has two halves: address family (none, IPv4, IPv6, Unix) and transport (none, stream,
// datagram).
constexpr uint8_t address_family_max = 3;
constexpr uint8_t transport_max = 2;
// Two addresses and two ports.
constexpr size_t ipv4_bytes = 2 * (sizeof(in_addr) + sizeof(in_port_t));
constexpr size_t ipv6_bytes = 2 * (sizeof(in6_addr) + sizeof(in_port_t));

uint8_t byte(std::string_view bytes, size_t at) { return static_cast<uint8_t>(bytes[at]); }

}  // namespace

Result<std::optional<ProxyHeader>> parse_proxy_header(std::string_view bytes) {
    const size_t known = std::min(bytes.size(), signature.size());
    if (bytes.substr(0, known) != signature.substr(0, known)) return fail(Code::bad_proxy_header);
    if (bytes.size() < fixed_bytes) return std::nullopt;
    const uint8_t command = byte(bytes, 12);
    const uint8_t family = byte(bytes, 13);
    const size_t length = size_t{byte(bytes, 14)} << 8 | byte(bytes, 15);
    ProxyHeader header{.bytes = fixed_bytes + length};
    if (command != version_2_local && command != version_2_proxy)
        return fail(Code::bad_proxy_header);
    if (family >> 4 > address_family_max || (family & 0xf) > transport_max)
        return fail(Code::bad_proxy_header);
    if (header.bytes > proxy_header_bytes_max) return fail(Code::bad_proxy_header);
    if (bytes.size() < header.bytes) return std::nullopt;
    if (command == version_2_local) return header;

    const char* const addresses = bytes.data() + fixed_bytes;
    if (family == tcp_over_ipv4) {
        if (length < ipv4_bytes) return fail(Code::bad_proxy_header);
        header.client = address_text(AF_INET, addresses);
    } else if (family == tcp_over_ipv6) {
        if (length < ipv6_bytes) return fail(Code::bad_proxy_header);
        header.client = address_text(AF_INET6, addresses);
    }
    return header;
}

}  // namespace rollcall
