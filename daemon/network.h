// Network: what addresses have in common, by their first bits.
//
// Threads: pure function.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rollcall {

// A fingerprint of the first bits of an address, which is text; 0 if it is none. bits_v4: 0 to 32,
// bits_v6: 0 to 128.
[[nodiscard]] uint64_t network_of(std::string_view address, size_t bits_v4, size_t bits_v6);

}  // namespace rollcall
