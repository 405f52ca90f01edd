// Checksum: CRC32C (Castagnoli), the polynomial of iSCSI (RFC 3720, section 12.1).
//
// A checksum can be computed piece by piece: start with checksum_start, add each piece with
// checksum_add(), and finish with checksum_end().
//
// Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace rollcall {

inline constexpr uint32_t checksum_start = 0xffffffff;

[[nodiscard]] uint32_t checksum_add(uint32_t running, std::span<const std::byte> bytes);
[[nodiscard]] constexpr uint32_t checksum_end(uint32_t running) { return ~running; }
[[nodiscard]] inline uint32_t checksum(std::span<const std::byte> bytes) {
    return checksum_end(checksum_add(checksum_start, bytes));
}

}  // namespace rollcall
