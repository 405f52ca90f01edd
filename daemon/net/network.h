// Network: addresses as text, and what they have in common, by their first bits.
//
// Threads: pure function.
#pragma once

#include <netinet/in.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rollcall {

using AddressText = std::array<char, INET6_ADDRSTRLEN>;

// Of an in_addr or an in6_addr, by its family; empty for another one. An IPv4 client of a
// dual-stack socket is known by its IPv4 address.
[[nodiscard]] AddressText address_text(int family, const void* address);

// A fingerprint of the first bits of an address, which is text; 0 if it is none. bits_v4: 0 to 32,
// bits_v6: 0 to 128.
[[nodiscard]] uint64_t network_of(std::string_view address, size_t bits_v4, size_t bits_v6);

}  // namespace rollcall
