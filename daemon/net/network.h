// Network: formats IP addresses as text, and hashes the network of an address.
//
// Threads: pure functions.
#pragma once

#include <netinet/in.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rollcall {

using AddressText = std::array<char, INET6_ADDRSTRLEN>;

// Returns the text of an in_addr (AF_INET) or in6_addr (AF_INET6); empty for another family. An
// IPv4-mapped IPv6 address becomes an IPv4 address, because IPv4 clients of a dual-stack socket
// have mapped addresses.
[[nodiscard]] AddressText address_text(int family, const void* address);

// Returns a hash (process_hash()) of the first bits of an address, or 0 if the text is not an
// address. bits_v4: 0 to 32; bits_v6: 0 to 128.
[[nodiscard]] uint64_t network_of(std::string_view address, size_t bits_v4, size_t bits_v6);

}  // namespace rollcall
