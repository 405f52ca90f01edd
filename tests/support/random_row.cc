#include "tests/support/random_row.h"

#include <fmt/chrono.h>
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <utility>

namespace rollcall {

namespace {

using Cell = RandomRow::Cell;
using Texts = std::vector<std::string>;

// --- contents of a row ---

std::string random_words(Random& random, Letters letters, size_t bytes_max) {
    static const Texts plain = {"a", "k", "Z", "7", " ", "-", "_", ".",  "(", ")",
                                "/", "'", "#", "é", "Ö", "й", "№", "☕", "📡"};
    // In Windows-1252, a text with any of the characters é, Ö, ß and ñ is never valid UTF-8. So
    // decode can tell the two encodings apart.
    static const Texts latin = {"a", "k", "Z", "7", " ", "-", ".", "é", "Ö", "ß", "ñ"};
    static const Texts all = {"a",   "Z",  "7", " ",  "é",  "й",    "☕",   "📡",
                              "\"",  "\\", "/", "\n", "\t", "\x01", "\x7f", "+",
                              "%41", "&",  ";", "=",  "{",  "]",    ","};
    const Texts& alphabet = letters == Letters::plain   ? plain
                            : letters == Letters::latin ? latin
                                                        : all;
    std::string words = "R";  // The first and last character are letters, because spaces around a
                              // value are ignored.
    for (uint64_t count = random.below(12); count > 0; --count) {
        const std::string& next = random.one_of(alphabet);
        if (words.size() + next.size() + 1 < bytes_max) words += next;
    }
    return words + "x";
}

std::string random_serial(Random& random) {
    const bool digits_only = random.one_in(4);
    std::string serial(1, static_cast<char>('1' + random.below(9)));
    while (serial.size() < 12)
        serial += "0123456789ABCDEFGHKMPQX"[random.below(digits_only ? 10 : 23)];
    return serial;
}

std::string random_version(Random& random) {
    return fmt::format("{}.{}{}", 6 + random.below(2), random.below(50),
                       random.one_of(Texts{"", "", ".1", ".17", "rc1", "beta3"}));
}

std::string random_address(Random& random) {
    if (random.one_in(2)) return fmt::format("100.64.{}.{}", random.below(256), random.below(256));
    return random.one_of(Texts{"2001:db8:42::1", "fe80::1", "2001:db8::a:b:c"});
}

// Returns a value between low and high with `decimals` decimals.
double random_real(Random& random, double low, double high, int decimals) {
    const double scale = std::pow(10, decimals);
    const auto steps = static_cast<uint64_t>((high - low) * scale);
    return std::round(low * scale + static_cast<double>(random.below(steps + 1))) / scale;
}

Cell random_cell(Random& random, Column column, Letters letters) {
    const ColumnInfo& about = info(column);
    const auto high = static_cast<size_t>(about.high);
    const auto whole = [&](uint64_t low, uint64_t most) {
        // Draw numbers of all sizes.
        uint64_t number = random.below(most - low + 1);
        if (random.one_in(3)) number >>= random.below(64);
        return static_cast<int64_t>(low + number);
    };
    switch (about.value) {
        case Value::device: return random_words(random, Letters::plain, high);
        case Value::licence: return random_serial(random);
        case Value::firmware: return random_version(random);
        case Value::words: return random_words(random, letters, high);
        case Value::serial: return random_serial(random);
        case Value::version: return random_version(random);
        case Value::address: return random_address(random);
        case Value::duration: return whole(0, high);
        case Value::count:
            return whole(static_cast<uint64_t>(about.low),
                         column == Column::seq ? INT64_MAX : high);
        case Value::frequency: return whole(1, high);
        case Value::bytes: return whole(static_cast<uint64_t>(about.low), high);
        case Value::clock: return whole(946684800, 4102444800 - 1) * 1'000'000;
        case Value::percent:
            if (about.kind == Kind::integer) return whole(0, 100);
            return random_real(random, 0, 100, 1);
        case Value::signal: return random_real(random, about.low, about.high, 1);
        case Value::degrees: return random_real(random, about.low, about.high, 6);
        case Value::decimal: {
            // The voltage is never a whole number. Without a unit, decode could read a whole number
            // as tenths of volts.
            if (column == Column::voltage_v)
                return static_cast<double>(10 * random.below(99) + 1 + random.below(9)) / 10;
            return random_real(random, about.low, about.high, 1);
        }
        case Value::given: break;
    }
    ensure(false);
    return {};
}

// --- spelling of values ---

std::vector<Spelling> spellings_of_duration(int64_t seconds) {
    const int64_t weeks = seconds / 604800;
    const int64_t days = seconds / 86400 % 7;
    const int64_t hours = seconds / 3600 % 24;
    const int64_t minutes = seconds / 60 % 60;
    const int64_t rest = seconds % 60;
    std::string api;
    for (const auto& [amount, unit] :
         {std::pair(weeks, 'w'), std::pair(days, 'd'), std::pair(hours, 'h'),
          std::pair(minutes, 'm'), std::pair(rest, 's')})
        if (amount > 0) api += fmt::format("{}{}", amount, unit);
    std::string script = weeks > 0 ? fmt::format("{}w", weeks) : "";
    if (days > 0) script += fmt::format("{}d", days);
    script += fmt::format("{:02}:{:02}:{:02}", hours, minutes, rest);
    const time_t since_1970 = seconds;
    return {{fmt::format("{}", seconds), true},
            {fmt::format("{}.000000", seconds), true},
            {api.empty() ? "0s" : api},
            {script},
            {fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::gmtime(since_1970))}};
}

std::vector<Spelling> spellings_of_clock(int64_t micros) {
    const time_t seconds = micros / 1'000'000;
    const tm utc = fmt::gmtime(seconds);
    const tm east = fmt::gmtime(seconds + 2 * 3600);
    std::string old = fmt::format("{:%b/%d/%Y %H:%M:%S}", utc);
    old[0] = static_cast<char>(old[0] | 0x20);
    return {{fmt::format("{}", seconds), true},
            {fmt::format("{}.000000", seconds), true},
            {fmt::format("{:%Y-%m-%d %H:%M:%S}", utc)},
            {fmt::format("{:%Y-%m-%dT%H:%M:%S}Z", utc)},
            {fmt::format("{:%Y-%m-%dT%H:%M:%S}.000Z", utc)},
            {fmt::format("{:%Y-%m-%dT%H:%M:%S}+02:00", east)},
            {old}};
}

std::vector<Spelling> spellings_of_bytes(int64_t bytes) {
    std::vector<Spelling> all = {{fmt::format("{}", bytes), true},
                                 {fmt::format("{}.000000", bytes), true},
                                 {fmt::format("{}B", bytes)}};
    int64_t size = 1;
    for (const std::string prefix : {"K", "M", "G", "T"}) {
        size *= 1024;
        if (bytes < size) break;
        // The quotient is exact, because the divisor is a power of two and the number fits into 53
        // bits.
        const double amount = static_cast<double>(bytes) / static_cast<double>(size);
        for (const auto* unit : {"iB", " iB", "B", ""})
            all.push_back({fmt::format(
                "{}{}", amount, unit[0] == ' ' ? " " + prefix + (unit + 1) : prefix + unit)});
    }
    return all;
}

std::vector<Spelling> spellings_of_number(double number, const Texts& units) {
    std::vector<Spelling> all = {{fmt::format("{}", number), true},
                                 {fmt::format("{:.6f}", number), true}};
    for (const auto& unit : units) all.push_back({fmt::format("{}{}", number, unit)});
    return all;
}

std::vector<Spelling> spellings_of_real(Column column, double number) {
    switch (info(column).value) {
        case Value::percent: return spellings_of_number(number, {"%", " %"});
        case Value::signal: return spellings_of_number(number, {"dBm", " dBm", "dB", "dBm@6Mbps"});
        default: break;
    }
    switch (column) {
        case Column::temp_c:
        case Column::cpu_temp_c: return spellings_of_number(number, {"C", " C", "°C"});
        case Column::power_w: return spellings_of_number(number, {"W", " W"});
        // No spelling is in tenths of volts. decode expects tenths only from RouterOS 6, and the
        // report may name its version outside of the body.
        case Column::voltage_v: return spellings_of_number(number, {"V", " V"});
        default: return spellings_of_number(number, {});
    }
}

std::vector<Spelling> spellings_of_integer(Column column, int64_t number) {
    switch (info(column).value) {
        case Value::duration: return spellings_of_duration(number);
        case Value::bytes: return spellings_of_bytes(number);
        case Value::clock: return spellings_of_clock(number);
        case Value::percent: return spellings_of_number(static_cast<double>(number), {"%", " %"});
        case Value::frequency: {
            auto all = spellings_of_number(static_cast<double>(number), {"MHz", " MHz"});
            all.push_back({fmt::format("{}GHz", static_cast<double>(number) / 1000)});
            return all;
        }
        default: break;
    }
    std::vector<Spelling> all = {{fmt::format("{}", number), true}};
    // A script can convert a text to a floating-point number, which is exact up to 53 bits.
    if (number < int64_t{1} << 53) all.push_back({fmt::format("{}.000000", number), true});
    return all;
}

std::vector<Spelling> spellings_of_text(Column column, const std::string& text) {
    switch (info(column).value) {
        case Value::address: return {{text}, {text + "/64"}};
        case Value::version: {
            const bool number = std::ranges::count(text, '.') == 1 &&
                                text.find_first_not_of("0123456789.") == text.npos;
            return {{text, number}};
        }
        case Value::serial: return {{text, text.find_first_not_of("0123456789") == text.npos}};
        default: return {{text}};
    }
}

}  // namespace

RandomRow random_row(Random& random, Letters letters) {
    RandomRow row;
    const uint64_t rarity = 1 + random.below(6);
    for (size_t i = 0; i < columns_count; ++i) {
        const auto column = static_cast<Column>(i);
        if (info(column).value != Value::given && random.one_in(rarity))
            row.cells[column] = random_cell(random, column, letters);
    }
    // A report needs at least one value.
    if (!row.cells.contains(Column::seq)) row.cells[Column::seq] = int64_t{1};
    for (const auto& [total, free] : {std::pair(Column::mem_total, Column::mem_free),
                                      std::pair(Column::disk_total, Column::disk_free)})
        if (row.cells.contains(total) && row.cells.contains(free) &&
            std::get<int64_t>(row.cells[total]) < std::get<int64_t>(row.cells[free]))
            std::swap(row.cells[total], row.cells[free]);
    return row;
}

std::string shown(const Cell& cell) {
    return std::visit([](const auto& value) { return fmt::format("{}", value); }, cell);
}

Spelling random_spelling(Random& random, Column column, const Cell& cell) {
    if (const auto* text = std::get_if<std::string>(&cell))
        return random.one_of(spellings_of_text(column, *text));
    if (const auto* number = std::get_if<int64_t>(&cell))
        return random.one_of(spellings_of_integer(column, *number));
    return random.one_of(spellings_of_real(column, std::get<double>(cell)));
}

}  // namespace rollcall
