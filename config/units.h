// Units: reads and writes sizes and durations in the notation of the settings ("64MiB", "200ms").
//
// A value is a whole number and a unit, with at most one space between them. A number without a
// unit is refused. Only 0 needs no unit, because it means the same in every unit. Numbers are never
// negative.
//
//   sizes      B; powers of 1024: KiB, MiB, GiB, TiB, and K, M, G, T; powers of 1000: KB, MB, GB
//              and TB. Case is ignored.
//   durations  ms; s, sec; m, min; h; d; w. Lower case only, because M is a unit of size.
//
// Threads: pure functions.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rollcall {

// A size in bytes. It is a type of its own so that it cannot be confused with a count.
struct Bytes {
    uint64_t count = 0;
    auto operator<=>(const Bytes&) const = default;
};

using Millis = std::chrono::milliseconds;

[[nodiscard]] std::optional<Bytes> parse_bytes(std::string_view text);
[[nodiscard]] std::optional<Millis> parse_millis(std::string_view text);

// Return the value in the largest unit that divides it exactly: 65536 is "64KiB", 65537 is
// "65537B", 0 is "0B".
[[nodiscard]] std::string to_text(Bytes bytes);
[[nodiscard]] std::string to_text(Millis millis);

inline namespace literals {
// clang-format off
constexpr Bytes operator""_KiB(unsigned long long n) { return {n << 10}; }
constexpr Bytes operator""_MiB(unsigned long long n) { return {n << 20}; }
constexpr Bytes operator""_GiB(unsigned long long n) { return {n << 30}; }
constexpr Bytes operator""_TiB(unsigned long long n) { return {n << 40}; }
// clang-format on
}  // namespace literals

}  // namespace rollcall
