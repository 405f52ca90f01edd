#include "pipeline/decode/decimal.h"

#include <array>
#include <cstddef>
#include <cstdint>

#include "pipeline/base/ascii.h"

namespace rollcall {

std::from_chars_result read_decimal(const char* first, const char* last, double& number) {
    static constexpr std::array<double, 16> powers = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                      1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    const char* at = first;
    uint64_t size = 0;
    const auto digits = [&] {
        const char* const begin = at;
        for (; at < last && is_digit(*at); ++at)
            size = size * 10 + static_cast<uint64_t>(*at - '0');
        return static_cast<size_t>(at - begin);
    };
    const bool negative = at < last && *at == '-';
    at += negative;
    size_t count = digits();
    size_t behind_point = 0;
    if (last - at > 1 && *at == '.' && is_digit(at[1])) {
        ++at;
        behind_point = digits();
        count += behind_point;
    }
    const bool is_done = at == last || (*at != '.' && (*at | 0x20) != 'e');
    if (!is_done || count >= powers.size()) return std::from_chars(first, last, number);
    const double real = static_cast<double>(size) / powers[behind_point];
    number = negative ? -real : real;
    return {at, std::errc{}};
}

}  // namespace rollcall
