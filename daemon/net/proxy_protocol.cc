#include "daemon/net/proxy_protocol.h"

#include <algorithm>
#include <limits>

#include "config/address_range.h"
#include "config/setting_value.h"

namespace rollcall {

namespace {

constexpr std::string_view signature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr size_t fixed_bytes = 16;
constexpr uint8_t version_2_local = 0x20;
constexpr uint8_t version_2_proxy = 0x21;
constexpr uint8_t tcp_over_ipv4 = 0x11;
constexpr uint8_t tcp_over_ipv6 = 0x21;
// The upper half of the family byte is the address family (none, IPv4, IPv6, Unix). The lower half
// is the transport (none, stream, datagram).
constexpr uint8_t address_family_max = 3;
constexpr uint8_t transport_max = 2;
// Sizes of two addresses and two ports.
constexpr size_t ipv4_bytes = 2 * (sizeof(in_addr) + sizeof(in_port_t));
constexpr size_t ipv6_bytes = 2 * (sizeof(in6_addr) + sizeof(in_port_t));

constexpr std::string_view line_start = "PROXY ";

uint8_t byte(std::string_view bytes, size_t at) { return static_cast<uint8_t>(bytes[at]); }

// Returns whether `bytes` begins with `start`, or `start` begins with `bytes`.
bool begins_with(std::string_view bytes, std::string_view start) {
    const size_t known = std::min(bytes.size(), start.size());
    return bytes.substr(0, known) == start.substr(0, known);
}

// --- version 1 ---

// Removes the text up to the next space, and that space, from the front of `line`. Returns the
// text.
std::string_view take_word(std::string_view& line) {
    const size_t end = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return word;
}

bool is_port(std::string_view word) {
    const auto port = value_from_text<Count>(word);
    const bool has_leading_zero = word.size() > 1 && word.front() == '0';
    return port && *port <= std::numeric_limits<in_port_t>::max() && !has_leading_zero;
}

// Returns the address in the form of address_text(); empty if the text is not an address of this
// family.
AddressText address_in(std::string_view word, int family) {
    const auto address = parse_address(word);
    if (!address || word.contains(':') != (family == AF_INET6)) return {};
    return address_text(AF_INET6, &*address);
}

// Parses a line from which `PROXY ` and CR LF have been removed. Returns the address of the client,
// which is empty for UNKNOWN.
Result<AddressText> client_in_line(std::string_view line) {
    const std::string_view protocol = take_word(line);
    if (protocol == "UNKNOWN") return AddressText{};
    if (protocol != "TCP4" && protocol != "TCP6") return fail(Code::bad_proxy_header);
    // Three spaces separate the four words that follow the protocol.
    if (std::ranges::count(line, ' ') != 3) return fail(Code::bad_proxy_header);
    const int family = protocol == "TCP4" ? AF_INET : AF_INET6;
    const AddressText client = address_in(take_word(line), family);
    const AddressText balancer = address_in(take_word(line), family);
    const bool has_ports = is_port(take_word(line)) && is_port(line);
    if (client[0] == '\0' || balancer[0] == '\0' || !has_ports) return fail(Code::bad_proxy_header);
    return client;
}

Result<std::optional<ProxyHeader>> parse_version_1(std::string_view bytes) {
    if (!begins_with(bytes, line_start)) return fail(Code::bad_proxy_header);
    const size_t end = bytes.substr(0, proxy_line_bytes_max).find("\r\n");
    if (end == bytes.npos) {
        if (bytes.size() < proxy_line_bytes_max) return std::nullopt;
        return fail(Code::bad_proxy_header);
    }
    const auto client = client_in_line(bytes.substr(0, end).substr(line_start.size()));
    if (!client) return std::unexpected(client.error());
    return ProxyHeader{.bytes = end + 2, .client = *client};
}

// --- version 2 ---

Result<std::optional<ProxyHeader>> parse_version_2(std::string_view bytes) {
    if (!begins_with(bytes, signature)) return fail(Code::bad_proxy_header);
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

}  // namespace

Result<std::optional<ProxyHeader>> parse_proxy_header(std::string_view bytes) {
    if (bytes.empty()) return std::nullopt;
    return bytes.front() == line_start.front() ? parse_version_1(bytes) : parse_version_2(bytes);
}

}  // namespace rollcall
