#include "daemon/net/network.h"

#include <arpa/inet.h>

#include <cstring>

#include "pipeline/base/hash.h"

namespace rollcall {

namespace {

// The first bytes of an IPv6 address that maps an IPv4 address (RFC 4291, section 2.5.5.2).
constexpr std::array<uint8_t, 12> ipv4_mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// Clears all but the first bits of an address, and returns its bytes.
std::string_view cut(uint8_t* address, size_t bytes, size_t bits) {
    const size_t whole = bits / 8;
    if (bits % 8 != 0) address[whole] &= static_cast<uint8_t>(0xff << (8 - bits % 8));
    const size_t used = (bits + 7) / 8;
    std::memset(address + used, 0, bytes - used);
    return {reinterpret_cast<const char*>(address), bytes};
}

}  // namespace

AddressText address_text(int family, const void* address) {
    AddressText text{};
    const auto* const bytes = static_cast<const uint8_t*>(address);
    const bool mapped =
        family == AF_INET6 && std::memcmp(bytes, ipv4_mapped.data(), ipv4_mapped.size()) == 0;
    if (mapped) {
        inet_ntop(AF_INET, bytes + ipv4_mapped.size(), text.data(), text.size());
    } else if (family == AF_INET || family == AF_INET6) {
        inet_ntop(family, bytes, text.data(), text.size());
    }
    return text;
}

uint64_t network_of(std::string_view address, size_t bits_v4, size_t bits_v6) {
    char text[INET6_ADDRSTRLEN] = {};
    address.copy(text, sizeof text - 1);
    uint8_t bytes[sizeof(in6_addr)] = {};
    if (inet_pton(AF_INET, text, bytes) == 1)
        return process_hash(cut(bytes, sizeof(in_addr), bits_v4));
    if (inet_pton(AF_INET6, text, bytes) == 1)
        return process_hash(cut(bytes, sizeof(in6_addr), bits_v6));
    return 0;
}

}  // namespace rollcall
