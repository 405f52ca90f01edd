#include "pipeline/decode/fields.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "pipeline/base/ascii.h"
#include "pipeline/base/utf8.h"
#include "pipeline/decode/routeros.h"

namespace rollcall {

namespace {

constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_space(char c) {
    return c <= ' ' && (c == ' ' || c == '\t' || c == '\r' || c == '\n');
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

// Returns whether a text is the name of a variable, "$uptime", from a script with one `\` too many.
bool unsubstituted(std::string_view text) {
    const auto is_name = [](char c) {
        return is_digit(c) || is_lower(c) || is_upper(c) || c == '_' || c == '-';
    };
    return text.size() > 1 && text[0] == '$' && std::ranges::all_of(text.substr(1), is_name);
}

// Converts a voltage without a unit: RouterOS 6 writes tenths of volts.
double volts(double number) { return number >= 100 && number <= 1000 ? number / 10 : number; }

// Removes the zeros that :serialize appends when it writes a text that looks like a number with six
// decimals. Whether 7.200000 was "7.2" or "7.20" cannot be told.
std::string_view without_padding(std::string_view lexeme) {
    const size_t point = lexeme.find('.');
    if (point == lexeme.npos || lexeme.size() - point != 7) return lexeme;
    if (!std::ranges::all_of(lexeme.substr(point + 1), is_digit)) return lexeme;
    while (lexeme.back() == '0') lexeme.remove_suffix(1);
    if (lexeme.back() == '.') lexeme.remove_suffix(1);
    return lexeme;
}

// Returns whether a column says something about the state of a router rather than its identity.
constexpr bool is_metric(Column column) {
    return info(column).value != Value::words && info(column).value != Value::serial;
}

constexpr uint64_t columns_of(Kind kind) {
    uint64_t mask = 0;
    for (size_t column = 0; column < columns_count; ++column)
        if (columns_table[column].kind == kind) mask |= uint64_t{1} << column;
    return mask;
}
constexpr uint64_t texts = columns_of(Kind::text);
constexpr uint64_t reals = columns_of(Kind::real);
constexpr uint64_t integers = ~(texts | reals);

template <class Visit>
void each_column(uint64_t mask, Visit visit) {
    for (; mask != 0; mask &= mask - 1) visit(static_cast<Column>(std::countr_zero(mask)));
}

constexpr uint32_t bit(Warning warning) { return uint32_t{1} << static_cast<unsigned>(warning); }
static_assert(std::size(warning_names) <= 32);

}  // namespace

void Fields::begin(Columns& row) {
    row_ = &row;
    kept_mask_ = 0;
    memory_in_use_.reset();
    disk_in_use_.reset();
    seen_ = {};
    metrics_sent_ = false;
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
    metrics_sent_ |= is_metric(key->column);
    switch (key.column().value) {
        case Value::device:
        case Value::words:
        case Value::serial: keep_text(key, value); return;
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
        case Value::clock: return keep_integer(key, routeros::clock(value));
        case Value::percent: return keep_real(key, routeros::percent(value));
        case Value::signal: return keep_real(key, routeros::signal(value));
        case Value::decimal: {
            auto number = routeros::decimal(value);
            if (number && key->column == Column::voltage_v && is_digit(value.back()))
                number = volts(*number);
            return keep_real(key, number);
        }
        case Value::given: return;  // Such a column has no keys.
    }
}

// Reads "190840832,268435456", which is free and total, in that order.
void Fields::two_numbers(const Key& key, std::string_view value) {
    const size_t comma = value.find(',');
    if (comma == value.npos) return;  // One number alone is ambiguous.
    one_value(key, value.substr(0, comma));
    one_value({key.sent, find_key("totalmemory").known}, value.substr(comma + 1));
}

void Fields::integer(const Key& key, int64_t value) {
    if (key->two) return;
    // A column of integers keeps the number exactly. A double is exact enough for the others.
    if (key.column().kind != Kind::integer) return real(key, static_cast<double>(value));
    open_value(key);
    metrics_sent_ = true;
    keep_integer(key, value);
}

void Fields::real(const Key& key, double value) {
    if (key->two) return;
    ensure(!key.keeps_text());
    open_value(key);
    metrics_sent_ = true;
    if (key.column().value == Value::clock) value = routeros::micros(value);
    if (key->column == Column::voltage_v) value = volts(value);
    keep_real(key, value);
}

void Fields::literal(const Key& key, std::string_view lexeme) {
    if (key.column().value == Value::serial) warn(Warning::serial_from_number);
    text(key, without_padding(lexeme));
}

// Prepares for a value of this key. If the key is repeated, the last value counts, even if it means
// absent.
void Fields::open_value(const Key& key) {
    if (seen_[key->number]) {
        warn(Warning::duplicate_key, key);
        if (has(key->column) && kept(key->column).key->number == key->number) drop(key->column);
    }
    seen_[key->number] = true;
}

// Returns the place for a good value, or nullptr if a better key has set the column.
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
    if (number < column.low || number > column.high) return implausible(key, number < column.low);
    if (key->in_use) {
        (key->column == Column::mem_total ? memory_in_use_ : disk_in_use_) =
            Kept{key, *value, 0, {}};
    } else if (Kept* place = claim(key)) {
        place->integer = *value;
    }
}

void Fields::keep_real(const Key& key, std::optional<double> value) {
    if (!value) return bad_value(key);
    const ColumnInfo& column = key.column();
    if (*value < column.low || *value > column.high) return implausible(key, *value < column.low);
    if (column.kind != Kind::real) return keep_integer(key, routeros::rounded(*value));
    if (Kept* place = claim(key)) place->real = *value;
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
    // An unusable id is no loss, because a report has several.
    if (!key->ambiguous && key->column != Column::site_id) warn(Warning::bad_value, key);
}

void Fields::implausible(const Key& key, bool too_low) {
    const Value form = key.column().value;
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
    write();
    const std::string_view besides = extra_.json();
    if (!besides.empty()) row_->set_text(Column::extra, besides);
    if (!metrics_sent_ && besides.empty() && !(warning_bits_ & bit(Warning::empty_body)))
        warn(Warning::no_metrics);
    if (warnings_used_ > 0) row_->set_text(Column::warnings, warnings());
    return warnings();
}

void Fields::empty_body() {
    if ((kept_mask_ & ~bit(Column::site_id)) == 0) warn(Warning::empty_body);
}

// Derives total, free and used from any two of them, and drops a `free` that exceeds the total.
void Fields::weigh(Column total, Column free, const std::optional<Kept>& in_use) {
    if (in_use && has(total) && !has(free)) {
        kept_mask_ |= bit(free);
        kept(free) = *in_use;
        kept(free).integer = kept(total).integer - in_use->integer;
        if (kept(free).integer < 0) {
            warn(Warning::out_of_range, in_use->key);
            drop(free);
        }
    } else if (in_use && has(free) && !has(total)) {
        kept_mask_ |= bit(total);
        kept(total) = *in_use;
        kept(total).integer += kept(free).integer;
    }
    if (has(total) && has(free) && kept(free).integer > kept(total).integer) {
        warn(Warning::out_of_range, kept(free).key);
        drop(free);
    }
}

// Sets the channel from a version like "7.17 (stable)", unless the report has a key for it.
void Fields::take_channel() {
    if (!has(Column::version) || channel_.empty() || has(Column::channel)) return;
    kept_mask_ |= bit(Column::channel);
    kept(Column::channel) = kept(Column::version);
    kept(Column::channel).text = channel_;
}

// Writes all values except the site, which the intake sets.
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

// Records "bad_value:cpu_load", whether the key was sent as cpu-load, cpuLoad or CPU Load.
void Fields::warn(Warning warning, const Key& key) {
    constexpr size_t code_max = 32;
    constexpr size_t name_max = 32;
    std::array<char, code_max + 1 + name_max + 1>
        text;  // One more: `_` and a letter come together.
    char* end = std::ranges::copy(to_text(warning), text.data()).out;
    *end++ = ':';
    char* const name_end = end + name_max;
    char before = '_';
    for (const char c : key.sent) {
        if (end >= name_end) break;
        if (is_upper(c) && (is_lower(before) || is_digit(before))) *end++ = '_';
        const bool letter = is_lower(c) || is_upper(c);
        *end++ = letter ? static_cast<char>(c | 0x20) : is_digit(c) ? c : '_';
        before = c;
    }
    warning_bits_ |= bit(warning);
    warn({text.data(), static_cast<size_t>(std::min(end, name_end) - text.data())});
}

// Adds a warning to the list unless the list has it already or is full.
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
