#include "config/units.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <span>

namespace rollcall {

namespace {

struct Unit {
    std::string_view name;
    uint64_t size;
};

// The first written_units units of each table are used for writing a value. The other units are
// only read. Writing takes the first unit that divides the value, so the written units are sorted
// from the largest.
constexpr size_t written_units = 5;
constexpr Unit byte_units[] = {{"TiB", uint64_t{1} << 40},
                               {"GiB", uint64_t{1} << 30},
                               {"MiB", uint64_t{1} << 20},
                               {"KiB", uint64_t{1} << 10},
                               {"B", 1},
                               {"T", uint64_t{1} << 40},
                               {"G", uint64_t{1} << 30},
                               {"M", uint64_t{1} << 20},
                               {"K", uint64_t{1} << 10},
                               {"TB", 1'000'000'000'000},
                               {"GB", 1'000'000'000},
                               {"MB", 1'000'000},
                               {"KB", 1'000}};
constexpr Unit milli_units[] = {{"d", 86'400'000}, {"h", 3'600'000}, {"min", 60'000},
                                {"s", 1'000},      {"ms", 1},        {"w", 604'800'000},
                                {"m", 60'000},     {"sec", 1'000}};

bool equal(std::string_view a, std::string_view b) { return a == b; }
bool equal_in_any_case(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::ranges::equal(a, b, {}, lower, lower);
}

std::optional<uint64_t> parse(std::string_view text, std::span<const Unit> units,
                              bool (&same)(std::string_view, std::string_view), uint64_t max) {
    const char* const end = text.data() + text.size();
    uint64_t number = 0;
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{}) return std::nullopt;
    std::string_view name(rest, end);
    if (name.empty() && number == 0) return 0;
    if (name.starts_with(' ')) name.remove_prefix(1);
    for (const Unit& unit : units)
        if (same(name, unit.name) && number <= max / unit.size) return number * unit.size;
    return std::nullopt;
}

std::string render(uint64_t value, std::span<const Unit> units) {
    for (const Unit& unit : units)
        if (value != 0 && value % unit.size == 0)
            return std::to_string(value / unit.size).append(unit.name);
    return std::string("0").append(units.back().name);
}

}  // namespace

std::optional<Bytes> parse_bytes(std::string_view text) {
    const auto count =
        parse(text, byte_units, equal_in_any_case, std::numeric_limits<uint64_t>::max());
    if (!count) return std::nullopt;
    return Bytes{*count};
}

std::optional<Millis> parse_millis(std::string_view text) {
    const auto count = parse(text, milli_units, equal, std::numeric_limits<Millis::rep>::max());
    if (!count) return std::nullopt;
    return Millis(static_cast<Millis::rep>(*count));
}

std::string to_text(Bytes bytes) {
    return render(bytes.count, std::span(byte_units).first(written_units));
}

std::string to_text(Millis millis) {
    return render(static_cast<uint64_t>(millis.count()),
                  std::span(milli_units).first(written_units));
}

}  // namespace rollcall
