#include "pipeline/decode/fields.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include "pipeline/base/ascii.h"
#include "pipeline/base/utf8.h"
#include "pipeline/decode/identities.h"
#include "pipeline/decode/routeros.h"

namespace rollcall {

namespace {

constexpr bool is_space(char c) {
    return c <= ' ' && (c == ' ' || c == '\t' || c == '\r' || c == '\n');
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

// Returns whether a text that begins with `$` is the name of a variable.
bool is_variable(std::string_view text) {
    const auto is_name = [](char c) { return is_digit(c) || is_letter(c) || c == '_' || c == '-'; };
    return text.size() > 1 && std::ranges::all_of(text.substr(1), is_name);
}
// Returns whether a text is the name of a variable, such as "$uptime". A script with one `\` too
// many sends the name instead of the value.
inline bool unsubstituted(std::string_view text) {
    return text.starts_with('$') && is_variable(text);
}

// Returns whether a text looks like a serial number: it consists of letters and digits, and has at
// least one of each. Used for the key `id`, because things other than a router have an `id` as
// well.
bool is_like_serial(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return is_letter(c) || is_digit(c); }) &&
           std::ranges::any_of(text, is_letter) && std::ranges::any_of(text, is_digit);
}

// Maximum of a voltage without a unit, which can be in tenths of volts: see settle_voltage().
constexpr double bare_voltage_max = 1000;

bool is_whole(double number) { return number == std::floor(number); }

// Returns whether a whole number without a unit can be in tenths of volts: see settle_voltage().
bool may_be_tenths(const Key& key) { return key->column == Column::voltage_v && key->scale == 1; }

// Removes the zeros that the RouterOS command :serialize appends. This command writes the text
// "7.2" like a number with six decimals: 7.200000. So it is unknown whether the text was "7.2" or
// "7.20".
std::string_view without_padding(std::string_view lexeme) {
    const size_t point = lexeme.find('.');
    if (point == lexeme.npos || lexeme.size() - point != 7) return lexeme;
    if (!std::ranges::all_of(lexeme.substr(point + 1), is_digit)) return lexeme;
    while (lexeme.back() == '0') lexeme.remove_suffix(1);
    if (lexeme.back() == '.') lexeme.remove_suffix(1);
    return lexeme;
}

template <class Choose>
constexpr uint64_t columns_where(Choose choose) {
    uint64_t mask = 0;
    for (size_t column = 0; column < columns_count; ++column)
        if (choose(columns_table[column])) mask |= uint64_t{1} << column;
    return mask;
}
constexpr uint64_t texts = columns_where([](const auto& of) { return of.kind == Kind::text; });
constexpr uint64_t reals = columns_where([](const auto& of) { return of.kind == Kind::real; });
constexpr uint64_t integers = ~(texts | reals);
// Columns that describe the state of a router rather than its identity.
constexpr uint64_t metrics = columns_where([](const auto& of) {
    return of.value != Value::words && of.value != Value::serial && of.value != Value::licence &&
           of.value != Value::firmware;
});

template <class Visit>
void each_column(uint64_t mask, Visit visit) {
    for (; mask != 0; mask &= mask - 1) visit(static_cast<Column>(std::countr_zero(mask)));
}

constexpr uint32_t bit(Warning warning) { return uint32_t{1} << static_cast<unsigned>(warning); }
static_assert(std::size(warning_names) <= 32);

}  // namespace

void Fields::begin(Columns& row, int64_t now_us) {
    row_ = &row;
    now_us_ = now_us;
    day_.reset();
    second_of_day_.reset();
    mean_sum_ = 0;
    mean_count_ = 0;
    named_out_of_band_ = false;
    known_keys_ = 0;
    kept_mask_ = 0;
    memory_in_use_.reset();
    disk_in_use_.reset();
    seen_ = {};
    sent_mask_ = 0;
    shape_ = {};
    extra_.clear();
    warning_bits_ = 0;
    warnings_used_ = 0;
}

// --- one value ---

void Fields::text(const Key& key, std::string_view value) {
    key->two ? two_numbers(key, value) : one_value(key, value);
}

void Fields::one_value(const Key& key, std::string_view value) {
    open_value(key);
    value = trimmed(value);
    if (routeros::missing(value)) return;
    sent_mask_ |= bit(key->column);
    if (key->scale != 1)
        if (const auto number = routeros::bare_number(value))
            return keep_real(key, *number * key->scale);
    if (key->share) {
        if (const auto percent = routeros::percent(value)) return keep_share(key, percent);
        return keep_share(key, routeros::bytes(value));
    }
    switch (key->value) {
        case Value::words: keep_text(key, value); return;
        case Value::device: return keep_device(key, value);
        case Value::serial: return keep_serial(key, value);
        case Value::licence:
            if (!identities::is_licence(value) && !unsubstituted(value))
                return warn(Warning::not_an_identity, key);
            keep_text(key, value);
            return;
        case Value::firmware:
            if (!is_digit(value[0])) return bad_value(key);
            keep_text(key, value);
            return;
        case Value::version: {
            const auto version = routeros::version(value);
            if (!version) return bad_value(key);
            if (keep_text(key, version->number)) channel_ = version->channel;
            return;
        }
        case Value::address: {
            const auto address = routeros::address(value);
            if (!address) return bad_value(key);
            keep_text(key, *address);
            return;
        }
        case Value::duration: return keep_integer(key, routeros::duration(value));
        case Value::count: return keep_integer(key, routeros::count(value));
        case Value::frequency: return keep_integer(key, routeros::frequency(value));
        case Value::bytes: return keep_integer(key, routeros::bytes(value));
        case Value::clock: return keep_clock(key, value);
        case Value::percent: {
            const auto percent = routeros::percent(value);
            if (!percent && key->ambiguous) return keep_in_extra(key, value);
            return keep_real(key, percent);
        }
        case Value::signal: return keep_real(key, routeros::signal(value));
        case Value::decimal: {
            const bool bare = may_be_tenths(key) && std::ranges::all_of(value, is_digit);
            return keep_real(key, routeros::decimal(value), bare);
        }
        case Value::degrees: {
            const auto degrees = routeros::degrees(value);
            return keep_real(key, degrees ? degrees : routeros::decimal(value));
        }
        case Value::given: return;  // Such a column has no keys.
    }
}

// Reads a value such as "190840832,268435456", which is the free amount and the total.
void Fields::two_numbers(const Key& key, std::string_view value) {
    const size_t comma = value.find(',');
    if (comma == value.npos) return;  // A single number is ambiguous.
    one_value(key, value.substr(0, comma));
    one_value({key.sent, find_key("totalmemory").known}, value.substr(comma + 1));
}

void Fields::integer(const Key& key, int64_t value) {
    if (key->two) return;
    // A column of integers stores the number exactly. For the other columns a double is exact
    // enough.
    if (key->kind != Kind::integer || key->scale != 1 || key->share)
        return real(key, static_cast<double>(value));
    open_value(key);
    sent_mask_ |= bit(key->column);
    keep_integer(key, value);
}

void Fields::real(const Key& key, double value) {
    if (key->two) return;
    ensure(!key.keeps_text());
    open_value(key);
    sent_mask_ |= bit(key->column);
    if (key->value == Value::clock) value = routeros::micros(value);
    if (key->share) return keep_share(key, value);
    keep_real(key, value * key->scale, may_be_tenths(key) && is_whole(value));
}

void Fields::part_of_mean(const Key& key, double value) {
    const ColumnInfo& column = key.column();
    known_keys_ += 1;
    sent_mask_ |= bit(key->column);
    if (value < column.low || value > column.high) return implausible(key, value < column.low);
    mean_sum_ += value;
    mean_count_ += 1;
    if (Kept* place = claim(key))
        place->integer =
            routeros::rounded(mean_sum_ / static_cast<double>(mean_count_)).value_or(0);
}

void Fields::forget(const Key& key) {
    if (has(key->column) && kept(key->column).key.known == key.known) drop(key->column);
}

void Fields::literal(const Key& key, std::string_view lexeme) {
    if (key->value == Value::serial) warn(Warning::serial_from_number);
    text(key, without_padding(lexeme));
}

// Drops the earlier value of this key. If a key is repeated, the last value counts, even if it
// means that the value is missing. Serial numbers are an exception: the last good value counts.
void Fields::forget_earlier(const Key& key) {
    warn(Warning::duplicate_key, key);
    if (key->value != Value::serial && has(key->column) &&
        kept(key->column).key->number == key->number)
        drop(key->column);
}

// Returns the place for a usable value of this key. Returns nullptr if a key with a lower number
// has already set the column.
Fields::Kept* Fields::claim(const Key& key) {
    Kept& place = kept(key->column);
    if (has(key->column) && place.key->number < key->number) return nullptr;
    kept_mask_ |= bit(key->column);
    place.key = key;
    return &place;
}

void Fields::keep_integer(const Key& key, std::optional<int64_t> value) {
    if (!value) return bad_value(key);
    const ColumnInfo& column = key.column();
    const auto number = static_cast<double>(*value);
    if (key->in_use) {
        if (number < 0 || number > column.high) return implausible(key, number < 0);
        (key->column == Column::mem_total ? memory_in_use_ : disk_in_use_) =
            Kept{key, *value, 0, {}};
        return;
    }
    if (number < column.low || number > column.high) return implausible(key, number < column.low);
    constexpr int64_t day_us = 86'400'000'000;
    if (key->value == Value::clock && now_us_ != 0 && *value > now_us_ + day_us)
        return implausible(key, false);
    if (Kept* place = claim(key)) place->integer = *value;
}

void Fields::keep_real(const Key& key, std::optional<double> value, bool bare) {
    if (!value) return bad_value(key);
    const ColumnInfo& column = key.column();
    const double high = bare ? bare_voltage_max : column.high;
    const double low = column.kind == Kind::real || !key->in_use ? column.low : 0;
    if (*value < low || *value > high) return implausible(key, *value < low);
    if (column.kind != Kind::real) return keep_integer(key, routeros::rounded(*value));
    if (key->several && !is_highest(key, *value)) return;
    if (Kept* place = claim(key)) {
        place->real = *value;
        place->bare = bare;
    }
}

// If a report has several readings of one quantity, the highest reading counts, for example that of
// the hottest sensor. Returns whether this reading is higher than the highest one so far, and adds
// the lower reading to `extra`.
bool Fields::is_highest(const Key& key, double value) {
    const Kept& place = kept(key->column);
    if (!has(key->column) || !place.key->several) return true;
    const bool higher = value > place.real;
    set_aside(higher ? place.key : key, higher ? place.real : value);
    if (higher) drop(key->column);
    return higher;
}

void Fields::set_aside(const Key& key, double value) {
    std::array<char, 32> digits;
    const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    extra_.literal(key.sent, {digits.data(), static_cast<size_t>(end - digits.data())});
}

// Keeps a value that is a percentage in some reports and an amount in others. Values up to 100 are
// percentages.
void Fields::keep_share(const Key& key, std::optional<double> value) {
    if (!value) return bad_value(key);
    if (*value < 0) return implausible(key, true);
    const bool memory = key->column == Column::mem_used_pct;
    if (*value > 100) {
        (memory ? memory_in_use_ : disk_in_use_) =
            Kept{key, routeros::rounded(*value).value_or(0), 0, {}};
    } else if (!memory) {
        set_aside(key, *value);  // No column stores the percentage of the disk.
    } else if (Kept* place = claim(key)) {
        place->real = *value;
    }
}

// Keeps the router's clock, or only its date or its time of day. The menu /system clock has the
// date and the time of day as two values.
void Fields::keep_clock(const Key& key, std::string_view value) {
    if (const auto clock = routeros::clock(value)) return keep_integer(key, clock);
    if (const auto day = routeros::calendar_day(value)) {
        day_ = day;
        day_key_ = key;
    } else if (const auto second = routeros::time_of_day(value)) {
        second_of_day_ = second;
    } else {
        key->ambiguous ? keep_in_extra(key, value) : bad_value(key);
    }
}

// Keeps in `extra` the value of an ambiguous key that has another meaning than the column. For
// example, `"cpu":"ARM64"` is not a load.
void Fields::keep_in_extra(const Key& key, std::string_view value) {
    extra_.text({key.sent, false, false}, value);
}

void Fields::keep_serial(const Key& key, std::string_view value) {
    if (identities::is_routerboard_serial(value)) return keep_spelled(key, value, serial_spelled_);
    if (unsubstituted(value) || value.find('\0') != value.npos) return bad_value(key);
    if (key->pairs_only && !is_like_serial(value)) return keep_in_extra(key, value);
    if (!identities::is_serial(value)) return warn(Warning::not_an_identity, key);
    keep_text(key, value);
}

void Fields::keep_device(const Key& key, std::string_view value) {
    if (unsubstituted(value)) return;  // No warning is needed, because a report has several ids.
    if (const auto mac = identities::mac(value, key->mac))
        return keep_spelled(key, mac->view(), device_spelled_);
    if (!identities::is_site(value)) return warn(Warning::not_an_identity, key);
    keep_text(key, value);
}

// Keeps an identity in capital letters, so that all its spellings become the same identity.
void Fields::keep_spelled(const Key& key, std::string_view value, std::span<char> spelling) {
    Kept* const place = claim(key);
    if (place == nullptr) return;
    std::ranges::transform(value, spelling.begin(), upper);
    place->text = {spelling.data(), value.size()};
}

bool Fields::keep_text(const Key& key, std::string_view value) {
    // A NUL would end the text early in every sink that is written in C.
    if (unsubstituted(value) || value.find('\0') != value.npos) {
        bad_value(key);
        return false;
    }
    Kept* const place = claim(key);
    if (place != nullptr) place->text = value;
    return place != nullptr;
}

void Fields::bad_value(const Key& key) {
    // An unusable id needs no warning, because a report has several ids.
    if (key->column != Column::site_id) warn(Warning::bad_value, key);
}

void Fields::implausible(const Key& key, bool too_low) {
    const Value form = key->value;
    if (form == Value::duration) {
        if (too_low) return bad_value(key);
        return warn(Warning::uptime_out_of_range);
    }
    if (form == Value::clock && too_low) return warn(Warning::router_clock_unset);
    warn(Warning::out_of_range, key);
}

// --- the row ---

std::string_view Fields::finish() {
    weigh(Column::mem_total, Column::mem_free, memory_in_use_);
    weigh(Column::disk_total, Column::disk_free, disk_in_use_);
    take_channel();
    take_clock();
    check_serial();
    settle_voltage();
    write();
    const std::string_view besides = extra_.json();
    if (!besides.empty()) row_->set_text(Column::extra, besides);
    if ((sent_mask_ & metrics) == 0 && besides.empty() && !named_out_of_band_ &&
        !(warning_bits_ & bit(Warning::empty_body)))
        warn(Warning::no_metrics);
    if (warnings_used_ > 0) row_->set_text(Column::warnings, warnings());
    return warnings();
}

void Fields::empty_body() {
    if ((kept_mask_ & ~bit(Column::site_id)) == 0) warn(Warning::empty_body);
}

bool Fields::is_report() {
    return known_keys_ > 0 &&
           (kept_mask_ != 0 || memory_in_use_ || disk_in_use_ || !extra_.json().empty());
}

// Derives the total or the free amount from the other one and the amount in use. Drops a free
// amount that exceeds the total.
void Fields::weigh(Column total, Column free, const std::optional<Kept>& in_use) {
    const auto derive = [&](Column column, int64_t value) {
        if (static_cast<double>(value) < info(column).low)
            return warn(Warning::out_of_range, in_use->key);
        kept_mask_ |= bit(column);
        kept(column) = *in_use;
        kept(column).integer = value;
    };
    if (in_use && has(total) && !has(free)) {
        derive(free, kept(total).integer - in_use->integer);
    } else if (in_use && has(free) && !has(total)) {
        derive(total, kept(free).integer + in_use->integer);
    } else if (has(total) && has(free) && kept(free).integer > kept(total).integer) {
        warn(Warning::out_of_range, kept(free).key);
        drop(free);
    }
}

// Sets the channel from a version like "7.17 (stable)", unless the report has a key for the
// channel.
void Fields::take_channel() {
    if (!has(Column::version) || channel_.empty() || has(Column::channel)) return;
    kept_mask_ |= bit(Column::channel);
    kept(Column::channel) = kept(Column::version);
    kept(Column::channel).text = channel_;
}

void Fields::take_clock() {
    if (!day_ || !second_of_day_ || has(Column::reported_at)) return;
    keep_integer(day_key_, (*day_ * 86400 + *second_of_day_) * 1'000'000);
}

// Drops a serial number that equals another name of the router, such as its identity. Scripts send
// another name as the serial number if the router has none.
void Fields::check_serial() {
    if (!has(Column::serial_number)) return;
    const Kept& serial = kept(Column::serial_number);
    for (const Column column : {Column::identity, Column::model, Column::board_name}) {
        if (!has(column) || !same_word(kept(column).text, serial.text)) continue;
        // Owners often name a router after its serial number. So a text in the format of MikroTik's
        // serial numbers is kept.
        if (identities::is_routerboard_serial(serial.text)) return;
        warn(Warning::not_an_identity, serial.key);
        return drop(Column::serial_number);
    }
}

// Decides whether an integer without a unit is in volts or in tenths of volts. RouterOS 6 writes
// tenths (RouterOS manual, "Health"), so a report of version 6 is read in tenths, and any other
// report in volts. A value that is implausible in this unit is read in the other unit. If the other
// unit contradicts the version in the report, the unit is a guess, and a warning says so.
void Fields::settle_voltage() {
    if (!has(Column::voltage_v) || !kept(Column::voltage_v).bare) return;
    constexpr double volts_from = 100;
    constexpr double tenths_from = 45;  // Boards need at least 4.5 V.
    Kept& voltage = kept(Column::voltage_v);
    const bool has_version = has(Column::version);
    const bool writes_tenths = has_version && kept(Column::version).text.starts_with("6.");
    const bool fits_tenths_only = voltage.real >= volts_from;
    const bool fits_volts_only = voltage.real < tenths_from;
    if (writes_tenths ? !fits_volts_only : fits_tenths_only) voltage.real /= 10;
    const bool is_guess =
        writes_tenths ? fits_volts_only && voltage.real > 0 : has_version && fits_tenths_only;
    if (is_guess) warn(Warning::unit_guessed, voltage.key);
}

// Writes all values into the row, except the site, which the intake sets.
void Fields::write() {
    each_column(kept_mask_ & reals,
                [this](Column column) { row_->set_real(column, kept(column).real); });
    each_column(kept_mask_ & integers,
                [this](Column column) { row_->set_integer(column, kept(column).integer); });
    each_column(kept_mask_ & texts & ~bit(Column::site_id), [this](Column column) {
        const Kept& value = kept(column);
        std::string_view text = value.text;
        if (text.size() > bytes_max(column)) {
            text = utf8_prefix(text, bytes_max(column));
            warn(Warning::value_truncated, value.key);
        }
        row_->set_text(column, text);
    });
}

// --- warnings ---

void Fields::warn(Warning warning) {
    warning_bits_ |= bit(warning);
    warn(to_text(warning));
}

// Records a warning such as "bad_value:cpu_load". The name is the same whether the key was sent as
// cpu-load, cpuLoad or CPU Load.
void Fields::warn(Warning warning, const Key& key) {
    constexpr size_t code_max = 32;
    constexpr size_t name_max = 32;
    std::array<char, code_max + 1 + name_max + 1>
        text;  // One more byte, because `_` and a letter are appended together.
    char* end = std::ranges::copy(to_text(warning), text.data()).out;
    *end++ = ':';
    char* const name_end = end + name_max;
    char before = '_';
    for (const char c : key.sent) {
        if (end >= name_end) break;
        if (is_upper(c) && (is_lower(before) || is_digit(before))) *end++ = '_';
        const bool letter = is_letter(c);
        *end++ = letter ? static_cast<char>(c | 0x20) : is_digit(c) ? c : '_';
        before = c;
    }
    warning_bits_ |= bit(warning);
    warn({text.data(), static_cast<size_t>(std::min(end, name_end) - text.data())});
}

// Adds a warning to the list, unless the list is full or already contains the warning.
void Fields::warn(std::string_view warning) {
    std::string_view rest = warnings();
    while (!rest.empty()) {
        const size_t length = std::min(rest.find(','), rest.size());
        if (rest.substr(0, length) == warning) return;
        rest.remove_prefix(std::min(length + 1, rest.size()));
    }
    if (warnings_used_ + 1 + warning.size() > warnings_.size()) return;
    if (warnings_used_ > 0) warnings_[warnings_used_++] = ',';
    std::ranges::copy(warning, &warnings_[warnings_used_]);
    warnings_used_ += warning.size();
}

}  // namespace rollcall
