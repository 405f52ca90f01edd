#include "sinks/text/utc_text.h"

#include <chrono>
#include <cstring>

#include "pipeline/base/error.h"

namespace rollcall {

namespace {

constexpr auto digit_pairs = [] {
    struct {
        char text[200];
    } pairs{};
    for (size_t i = 0; i < 100; ++i) {
        pairs.text[2 * i] = static_cast<char>('0' + i / 10);
        pairs.text[2 * i + 1] = static_cast<char>('0' + i % 10);
    }
    return pairs;
}();

void two_digits(unsigned value, char* to) { std::memcpy(to, digit_pairs.text + 2 * value, 2); }

}  // namespace

char* write_utc(int64_t us, char* to) {
    ensure(has_utc_text(us));
    using namespace std::chrono;
    const sys_time<microseconds> time{microseconds(us)};
    const auto day = floor<days>(time);
    const year_month_day date(day);
    const auto in_day = static_cast<uint64_t>((time - day).count());
    const auto second = static_cast<unsigned>(in_day / 1'000'000);
    const auto fraction = static_cast<unsigned>(in_day % 1'000'000);
    const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
    std::memcpy(to, "0000-00-00 00:00:00.000000", utc_text_size);
    two_digits(year / 100, to);
    two_digits(year % 100, to + 2);
    two_digits(static_cast<unsigned>(date.month()), to + 5);
    two_digits(static_cast<unsigned>(date.day()), to + 8);
    two_digits(second / 3600, to + 11);
    two_digits(second / 60 % 60, to + 14);
    two_digits(second % 60, to + 17);
    two_digits(fraction / 10'000, to + 20);
    two_digits(fraction / 100 % 100, to + 22);
    two_digits(fraction % 100, to + 24);
    return to + utc_text_size;
}

}  // namespace rollcall
