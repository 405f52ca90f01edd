#include "pipeline/decode/unknown_keys.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "config/suggestions.h"
#include "pipeline/base/ascii.h"
#include "pipeline/base/utf8.h"
#include "pipeline/decode/keys.h"
#include "pipeline/decode/routeros.h"

namespace rollcall {

namespace {

enum class ShapeKind : uint8_t { text, number, word, null, list, duration, address, hidden_text };

// The note of a counted name (FrequentNames::Entry) contains the kind of the value in its lowest
// byte, and the size of a text in the other bytes.
constexpr unsigned kind_bits = 8;
constexpr size_t text_bytes_max = (size_t{1} << (32 - kind_bits)) - 1;

constexpr uint32_t note_of(ShapeKind kind, size_t text_bytes = 0) {
    return static_cast<uint32_t>(kind) | static_cast<uint32_t>(std::min(text_bytes, text_bytes_max))
                                             << kind_bits;
}

uint32_t note_of_text(std::string_view text) {
    if (text == "true" || text == "false" || text == "yes" || text == "no")
        return note_of(ShapeKind::word);
    const bool may_be_more = !text.empty() && (is_digit(text[0]) || text[0] == '-');
    if (may_be_more && routeros::bare_number(text)) return note_of(ShapeKind::number);
    if (may_be_more && routeros::duration(text)) return note_of(ShapeKind::duration);
    if (may_be_more && routeros::address(text)) return note_of(ShapeKind::address);
    return note_of(ShapeKind::text, text.size());
}

uint32_t note_of(const UnknownValue& value, bool is_secret) {
    switch (value.type) {
        case UnknownValue::Type::text:
            return is_secret ? note_of(ShapeKind::hidden_text) : note_of_text(value.text);
        case UnknownValue::Type::number: return note_of(ShapeKind::number);
        case UnknownValue::Type::word: return note_of(ShapeKind::word);
        case UnknownValue::Type::null: return note_of(ShapeKind::null);
        case UnknownValue::Type::list: return note_of(ShapeKind::list);
    }
    return 0;
}

}  // namespace

FrequentNames::Place UnknownKeys::add(bool is_secret, std::string_view object,
                                      std::string_view name, const UnknownValue& value) {
    const uint32_t note = note_of(value, is_secret);
    if (object.empty()) return names_.count(name, note);
    // If the path is too long, only its end is kept, because the end says more.
    constexpr size_t path_bytes_max = FrequentNames::name_bytes_max;
    std::array<char, path_bytes_max> path;
    name = utf8_prefix(name, path_bytes_max - 1);
    object = utf8_prefix(object, path_bytes_max - 1 - name.size());
    char* end = std::ranges::copy(object, path.data()).out;
    *end++ = '.';
    end = std::ranges::copy(name, end).out;
    return names_.count({path.data(), static_cast<size_t>(end - path.data())}, note);
}

void UnknownKeys::count_list(std::string_view object, std::string_view name) {
    (void)add(false, object, name, {UnknownValue::Type::list});
}

std::string shape_of(uint32_t note) {
    switch (static_cast<ShapeKind>(note & ((1U << kind_bits) - 1))) {
        case ShapeKind::text: return fmt::format("text of {} bytes", note >> kind_bits);
        case ShapeKind::number: return "number";
        case ShapeKind::word: return "true/false";
        case ShapeKind::null: return "null";
        case ShapeKind::list: return "list";
        case ShapeKind::duration: return "duration";
        case ShapeKind::address: return "address";
        case ShapeKind::hidden_text: return "text";
    }
    return {};
}

std::optional<Column> resembled_column(std::string_view key) {
    constexpr size_t name_bytes_min = 5;  // Shorter names are similar to almost everything.
    std::string folded;
    for (const char c : key.substr(key.rfind('.') + 1))
        if (is_letter(c) || is_digit(c)) folded += lower(c);
    if (folded.size() < name_bytes_min) return {};
    if (const Key key_itself = find_key(folded)) return key_itself->column;
    static const std::vector<std::string_view> names = listed_key_names();
    const auto nearest = nearest_name(folded, names);
    if (!nearest) return {};
    return find_key(*nearest)->column;
}

}  // namespace rollcall
