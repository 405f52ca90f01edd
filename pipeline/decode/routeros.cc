#include "pipeline/decode/routeros.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstring>
#include <span>

#include "pipeline/base/ascii.h"

namespace rollcall::routeros {

namespace {

constexpr int64_t us_per_second = 1'000'000;

constexpr bool is_version(char c) { return is_digit(c) || is_letter(c) || c == '.' || c == '-'; }

// Returns the bytes of a word as one number, so that a comparison takes one step. Only the
// last four bytes of a word count.
constexpr uint32_t joined(std::string_view word) {
    uint32_t number = 0;
    for (const char c : word) number = number << 8 | static_cast<uint8_t>(c);
    return number;
}

// Reads the parts of a text from its beginning.
struct Reader {
    std::string_view rest;

    bool take(char c) {
        if (!rest.starts_with(c)) return false;
        rest.remove_prefix(1);
        return true;
    }

    // Reads the digits at the beginning. If there are fewer than `least` or more than `most`, reads
    // none and returns nothing.
    std::optional<int64_t> digits(size_t least, size_t most) {
        const size_t looked_at = std::min(rest.size(), most + 1);
        size_t length = 0;
        int64_t number = 0;
        for (; length < looked_at && is_digit(rest[length]); ++length)
            number = number * 10 + (rest[length] - '0');
        if (length < least || length > most) return std::nullopt;
        rest.remove_prefix(length);
        return number;
    }

    // Takes the lower-case letters at the beginning. Returns them as the number that joined()
    // makes.
    uint32_t letters() {
        size_t length = 0;
        while (length < rest.size() && is_lower(rest[length])) ++length;
        const uint32_t word = joined(rest.substr(0, length));
        rest.remove_prefix(length);
        return word;
    }
};

// Returns the number of bytes of the IPv4 address, such as "192.168.88.1", at the beginning of a
// text; 0 if there is no address. Leading zeros are not allowed.
size_t dotted_quad(std::string_view text) {
    Reader reader{text};
    for (int part = 0; part < 4; ++part) {
        if (part > 0 && !reader.take('.')) return 0;
        const bool padded = reader.rest.starts_with('0');
        const size_t size = reader.rest.size();
        const auto number = reader.digits(1, 3);
        if (!number || *number > 255 || (padded && size - reader.rest.size() > 1)) return 0;
    }
    return text.size() - reader.rest.size();
}

// A number and the text after it, such as 14.9 and "GiB".
struct Amount {
    double number;
    std::string_view unit;
};

// Takes the digits after a decimal comma, as in "24,1", and returns their value as a fraction.
// Three digits after a comma can be thousands, so they are not taken.
double comma_fraction(std::string_view& text) {
    Reader reader{text};
    if (!reader.take(',')) return 0;
    const size_t before = reader.rest.size();
    const auto digits = reader.digits(1, 6);
    const size_t count = before - reader.rest.size();
    if (!digits || count == 3) return 0;
    text = reader.rest;
    return static_cast<double>(*digits) / std::pow(10, static_cast<double>(count));
}

std::optional<Amount> amount(std::string_view text) {
    // from_chars would also accept "inf" and "nan".
    const size_t sign = text.starts_with('-') ? 1 : 0;
    if (text.size() == sign || !is_digit(text[sign])) return std::nullopt;
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    const double fraction = comma_fraction(text);
    number += sign == 1 ? -fraction : fraction;
    if (text.starts_with(' ')) text.remove_prefix(1);
    return Amount{number, text};
}

// Returns the integer that the text contains, or nothing if the text contains anything else.
std::optional<int64_t> whole(std::string_view text) {
    int64_t number = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, number);
    if (error != std::errc{} || end != last) return std::nullopt;
    return number;
}

struct Scale {
    std::string_view unit;
    double factor;
};

// Converts a number with one of the units, or without a unit, to base units.
std::optional<int64_t> scaled(std::string_view text, std::span<const Scale> scales) {
    if (const auto number = whole(text)) return number;  // Keeps integers beyond 2^53 exact.
    const auto number = amount(text);
    if (!number) return std::nullopt;
    if (number->unit.empty()) return rounded(number->number);
    for (const auto& [unit, factor] : scales)
        if (number->unit == unit) return rounded(number->number * factor);
    return std::nullopt;
}

// Reads the rest of a time such as "03:04:05", whose hours were already read. Returns seconds.
std::optional<int64_t> clock_face(int64_t hours, Reader& reader) {
    if (!reader.take(':')) return std::nullopt;
    const auto minutes = reader.digits(2, 2);
    if (!minutes || *minutes > 59 || !reader.take(':')) return std::nullopt;
    const auto seconds = reader.digits(2, 2);
    if (!seconds || *seconds > 59) return std::nullopt;
    if (reader.take('.') && !reader.digits(1, 9)) return std::nullopt;
    return hours * 3600 + *minutes * 60 + *seconds;
}

constexpr std::array<std::string_view, 12> months = {"jan", "feb", "mar", "apr", "may", "jun",
                                                     "jul", "aug", "sep", "oct", "nov", "dec"};

// Reads the name of a month and a slash, such as "jan/" or "Jan/". Returns 1 to 12.
std::optional<int64_t> month_name(Reader& reader) {
    if (reader.rest.size() < 4 || reader.rest[3] != '/') return std::nullopt;
    std::array<char, 3> name;
    for (size_t i = 0; i < name.size(); ++i) name[i] = static_cast<char>(reader.rest[i] | 0x20);
    const auto* const found = std::ranges::find(months, std::string_view(name.data(), name.size()));
    if (found == months.end()) return std::nullopt;
    reader.rest.remove_prefix(4);
    return found - months.begin() + 1;
}

// Reads "2026-10-09" (RouterOS 7.10 and later) or "oct/09/2026" (earlier). Returns days since 1970.
std::optional<int64_t> date(Reader& reader) {
    std::optional<int64_t> year;
    std::optional<int64_t> month = month_name(reader);
    std::optional<int64_t> day;
    if (month) {
        day = reader.digits(2, 2);
        if (!reader.take('/')) return std::nullopt;
        year = reader.digits(4, 4);
    } else {
        year = reader.digits(4, 4);
        if (!reader.take('-')) return std::nullopt;
        month = reader.digits(2, 2);
        if (!reader.take('-')) return std::nullopt;
        day = reader.digits(2, 2);
    }
    if (!year || !month || !day) return std::nullopt;
    const std::chrono::year_month_day whole_date{std::chrono::year(static_cast<int>(*year)),
                                                 std::chrono::month(static_cast<unsigned>(*month)),
                                                 std::chrono::day(static_cast<unsigned>(*day))};
    if (!whole_date.ok()) return std::nullopt;
    return std::chrono::sys_days(whole_date).time_since_epoch().count();
}

// Reads "Z", "+02:00" or nothing. Returns seconds east of UTC.
std::optional<int64_t> zone(Reader& reader) {
    if (reader.take('Z') || reader.rest.empty()) return 0;
    const bool west = reader.take('-');
    if (!west && !reader.take('+')) return std::nullopt;
    const auto hours = reader.digits(2, 2);
    if (!hours || !reader.take(':')) return std::nullopt;
    const auto minutes = reader.digits(2, 2);
    if (!minutes) return std::nullopt;
    const int64_t seconds = *hours * 3600 + *minutes * 60;
    return west ? -seconds : seconds;
}

// Reads a date and a time. Returns seconds since 1970.
std::optional<int64_t> timestamp(std::string_view text) {
    Reader reader{text};
    const auto days = date(reader);
    if (!days || !(reader.take(' ') || reader.take('T'))) return std::nullopt;
    const auto hours = reader.digits(2, 2);
    if (!hours || *hours > 23) return std::nullopt;
    const auto seconds = clock_face(*hours, reader);
    if (!seconds) return std::nullopt;
    const auto east = zone(reader);
    if (!east || !reader.rest.empty()) return std::nullopt;
    return *days * 86400 + *seconds - *east;
}

// Reads "1w2d3h4m5s", "1w2d03:04:05", "03:04:05" or "9s210ms": units in descending order; the last
// part may be a time with colons. Fractions of a second are dropped.
std::optional<int64_t> spelled_duration(std::string_view text) {
    struct Unit {
        uint32_t name;
        int64_t seconds;
    };
    static constexpr std::array<Unit, 8> units = {{{joined("w"), 604800},
                                                   {joined("d"), 86400},
                                                   {joined("h"), 3600},
                                                   {joined("m"), 60},
                                                   {joined("s"), 1},
                                                   {joined("ms"), 0},
                                                   {joined("us"), 0},
                                                   {joined("ns"), 0}}};
    Reader reader{text};
    int64_t total = 0;
    size_t next_unit = 0;
    do {
        const auto number = reader.digits(1, 12);
        if (!number) return std::nullopt;
        uint32_t name = reader.letters();
        if (name == 0 && next_unit <= 2 && reader.rest.starts_with(':')) {
            const auto seconds = clock_face(*number, reader);
            if (!seconds || !reader.rest.empty()) return std::nullopt;
            return total + *seconds;
        }
        if (name == 0 && reader.take('.')) {  // A fraction of a second, at the end.
            if (!reader.digits(1, 9) || reader.rest != "s") return std::nullopt;
            name = reader.letters();
        }
        while (next_unit < units.size() && units[next_unit].name != name) ++next_unit;
        if (next_unit == units.size()) return std::nullopt;
        total += *number * units[next_unit].seconds;
        ++next_unit;
        reader.take(' ');
    } while (!reader.rest.empty());
    return total;
}

}  // namespace

std::optional<int64_t> rounded(double number) {
    // floor(number + 0.5) would be wrong: above 2^52, the sum itself is rounded.
    const double below = std::floor(number);
    const double result = number - below >= 0.5 ? below + 1 : below;
    if (!(std::abs(result) < 0x1p63)) return std::nullopt;
    return static_cast<int64_t>(result);
}

std::optional<int64_t> duration(std::string_view text) {
    std::optional<int64_t> seconds = spelled_duration(text);
    if (!seconds) seconds = count(text);
    if (!seconds) seconds = timestamp(text);
    if (seconds && *seconds < 0) return std::nullopt;
    return seconds;
}

std::optional<int64_t> bytes(std::string_view text) {
    static constexpr std::array<Scale, 24> scales = {
        {{"B", 1},       {"bytes", 1},   {"KiB", 0x1p10}, {"Ki", 0x1p10}, {"KB", 0x1p10},
         {"kB", 0x1p10}, {"kb", 0x1p10}, {"K", 0x1p10},   {"k", 0x1p10},  {"MiB", 0x1p20},
         {"Mi", 0x1p20}, {"MB", 0x1p20}, {"mb", 0x1p20},  {"M", 0x1p20},  {"GiB", 0x1p30},
         {"Gi", 0x1p30}, {"GB", 0x1p30}, {"gb", 0x1p30},  {"G", 0x1p30},  {"TiB", 0x1p40},
         {"Ti", 0x1p40}, {"TB", 0x1p40}, {"tb", 0x1p40},  {"T", 0x1p40}}};
    return scaled(text, scales);
}

std::optional<int64_t> frequency(std::string_view text) {
    static constexpr std::array<Scale, 2> scales = {{{"MHz", 1}, {"GHz", 1000}}};
    return scaled(text, scales);
}

std::optional<int64_t> count(std::string_view text) { return scaled(text, {}); }

std::optional<double> percent(std::string_view text) {
    const auto number = amount(text);
    if (!number || !(number->unit.empty() || number->unit == "%")) return std::nullopt;
    return number->number;
}

std::optional<double> decimal(std::string_view text) {
    static constexpr std::array<std::string_view, 9> units = {"",  "V",    "C", "\u00B0C", "W",
                                                              "A", "km/h", "m", "RPM"};
    const auto number = amount(text);
    if (!number || std::ranges::find(units, number->unit) == units.end()) return std::nullopt;
    return number->number;
}

std::optional<double> bare_number(std::string_view text) {
    const auto number = amount(text);
    return number && number->unit.empty() ? std::optional(number->number) : std::nullopt;
}

std::optional<double> degrees(std::string_view text) {
    constexpr std::string_view separators = " '\"\u00B0\u2032\u2033";
    constexpr std::string_view sides = "NSEWnsew";
    char side = 0;
    const auto take_side = [&](size_t at) {
        if (text.empty() || sides.find(text[at]) == sides.npos) return;
        side = lower(text[at]);
        text.remove_prefix(at == 0 ? 1 : 0);
        text.remove_suffix(at == 0 ? 0 : 1);
    };
    take_side(0);
    if (side == 0 && !text.empty()) take_side(text.size() - 1);
    double total = 0;
    double part_of_degree = 1;  // Size of the next part's unit in degrees: 1, 1/60, 1/3600.
    int parts = 0;
    bool negative = false;
    while (text.find_first_not_of(separators) != text.npos) {
        text.remove_prefix(text.find_first_not_of(separators));
        const size_t length = std::min(text.find_first_of(separators), text.size());
        const auto number = bare_number(text.substr(0, length));
        if (!number || parts == 3 || (parts > 0 && (*number < 0 || *number >= 60)))
            return std::nullopt;
        negative |= *number < 0;
        total += std::abs(*number) * part_of_degree;
        part_of_degree /= 60;
        ++parts;
        text.remove_prefix(length);
    }
    if (parts == 0 || (parts == 1 && side == 0)) return std::nullopt;
    negative |= side == 's' || side == 'w';
    // A degree of latitude is about 1e7 centimetres; finer digits are rounding errors.
    constexpr double centimetres = 1e7;
    total = std::round(total * centimetres) / centimetres;
    return negative ? -total : total;
}

std::optional<double> signal(std::string_view text) {
    const auto number = amount(text.substr(0, text.find('@')));
    if (!number) return std::nullopt;
    if (!number->unit.empty() && number->unit != "dBm" && number->unit != "dB") return std::nullopt;
    return number->number;
}

std::optional<Version> version(std::string_view text) {
    static constexpr std::array<std::string_view, 4> channels = {"stable", "long-term", "testing",
                                                                 "development"};
    if (!text.empty() && !is_digit(text[0]))
        for (const std::string_view before : {"RouterOS ", "v"})
            if (text.starts_with(before)) text.remove_prefix(before.size());
    if (text.empty() || !is_digit(text[0])) return std::nullopt;
    size_t length = 0;
    while (length < text.size() && is_version(text[length])) ++length;
    const std::string_view rest = text.substr(length);
    Version result{text.substr(0, length), {}};
    if (rest.empty()) return result;
    if ((rest[0] != ' ' && rest[0] != '(') || rest.find('\0') != rest.npos) return std::nullopt;
    const size_t open = rest.find('(');
    const size_t close = rest.find(')');
    if (open < close && close != rest.npos)
        result.channel = rest.substr(open + 1, close - open - 1);
    else if (rest[0] == ' ' && std::ranges::find(channels, rest.substr(1)) != channels.end())
        result.channel = rest.substr(1);
    return result;
}

std::optional<std::string_view> address(std::string_view text) {
    static constexpr ByteSet ends("/%;, ");
    const size_t quad = dotted_quad(text);
    if (quad > 0 && (quad == text.size() || ends.has(text[quad]))) return text.substr(0, quad);
    const std::string_view bare = text.substr(0, ends.find_in(text));
    std::array<char, INET6_ADDRSTRLEN> name{};  // inet_pton() needs a terminating NUL.
    if (bare.size() >= name.size()) return std::nullopt;
    std::memcpy(name.data(), bare.data(), bare.size());
    in6_addr parsed;
    if (inet_pton(AF_INET, name.data(), &parsed) != 1 &&
        inet_pton(AF_INET6, name.data(), &parsed) != 1)
        return std::nullopt;
    return bare;
}

double micros(double since_1970) {
    constexpr double milliseconds_from = 1e11;  // As seconds, this would be the year 5138.
    constexpr double microseconds_from = 1e14;
    // In nanoseconds, this is the year 2017. RouterOS has printed nanoseconds only from 2023 on
    // (:tonsec of 7.13). A smaller number is read as microseconds, far in the future.
    constexpr double nanoseconds_from = 1.5e18;
    constexpr double nanoseconds_to = 4.2e18;  // In nanoseconds, this is the year 2103.
    if (since_1970 >= nanoseconds_from && since_1970 < nanoseconds_to) return since_1970 / 1e3;
    if (since_1970 >= microseconds_from) return since_1970;
    return since_1970 * (since_1970 >= milliseconds_from ? 1e3 : 1e6);
}

std::optional<int64_t> calendar_day(std::string_view text) {
    Reader reader{text};
    const auto days = date(reader);
    return reader.rest.empty() ? days : std::nullopt;
}

std::optional<int64_t> time_of_day(std::string_view text) {
    Reader reader{text};
    const auto hours = reader.digits(2, 2);
    if (!hours || *hours > 23) return std::nullopt;
    const auto seconds = clock_face(*hours, reader);
    return reader.rest.empty() ? seconds : std::nullopt;
}

std::optional<int64_t> clock(std::string_view text) {
    if (const auto seconds = timestamp(text)) return *seconds * us_per_second;
    constexpr int64_t week_of_2000 = 1565;
    Reader weeks{text};
    if (const auto number = weeks.digits(4, 4);
        number && *number >= week_of_2000 && weeks.take('w'))
        if (const auto seconds = spelled_duration(text)) return *seconds * us_per_second;
    const auto number = count(text);
    return number ? rounded(micros(static_cast<double>(*number))) : std::nullopt;
}

}  // namespace rollcall::routeros
