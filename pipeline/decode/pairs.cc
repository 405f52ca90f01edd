#include "pipeline/decode/pairs.h"

#include <algorithm>
#include <array>

#include "pipeline/base/ascii.h"
#include "pipeline/base/utf8.h"
#include "pipeline/decode/json_cursor.h"
#include "pipeline/decode/pair_split.h"

namespace rollcall {

namespace {

// The key of a pair as it was sent, and its meaning if it was already looked up.
struct Sent {
    std::string_view key;
    const Meaning* meaning = nullptr;
};

bool is_white(std::string_view text) { return text.find_first_not_of(" \t\r\n") == text.npos; }

// Calls visit(sent, part) for each pair. Records a warning for each part that is not a pair.
template <class Visit>
void each_pair(std::string_view text, const Separators& by, Fields& fields, Visit visit) {
    Dictionary& dictionary = fields.dictionary();
    while (!text.empty()) {
        const auto expected =
            by.delimiter == '=' ? dictionary.expect(text, "=") : Dictionary::Expected{};
        const Part part = first_part(text, by, expected.bytes);
        text.remove_prefix(part.end);
        if (part.equals != text.npos) {
            visit(Sent{part.text.substr(0, part.equals), expected.meaning}, part);
        } else if (!is_white(part.text)) {
            fields.warn(Warning::kv_fragment_ignored);
        }
    }
}

// The thing that a pair describes.
enum class About : uint8_t {
    router,
    part,  // A part of the router. Keys that other things have as well do not count.
};

// Stores in `extra` a value whose name is not a key.
void keep(std::string_view name, const Meaning& meaning, std::string_view value, Fields& fields,
          About about) {
    if (!meaning.plain) return fields.warn(Warning::kv_fragment_ignored);
    if (about == About::router)
        fields.unknown_keys().count(meaning, {}, name, {UnknownValue::Type::text, value});
    if (!value.empty()) fields.extra().text({name, meaning.secret, meaning.plain}, value);
}

inline void give(const Sent& sent, std::string_view value, Fields& fields,
                 About about = About::router) {
    const auto& [name, known] = sent;
    if (name.starts_with('.')) return;  // ".id" is the number of a row in RouterOS.
    const Meaning& meaning = known != nullptr ? *known : fields.dictionary().look_up(name);
    if (meaning.in_pairs && (about == About::router || !meaning.in_pairs->weak))
        return fields.text({name, meaning.in_pairs}, value);
    keep(name, meaning, value, fields, about);
}

// The rows of menus in a list, in the format of `print as-value`. `.id` begins a row. A sensor's
// row ends with its `value`, so later pairs can describe the router itself.
class MenuRows {
public:
    explicit MenuRows(std::string_view list) : list_(list) {}

    void take(const Sent& sent, std::string_view value, Fields& fields) {
        if (sent.key == ".id") return begin(value);
        if (row_ != Row::sensor || !is_of_sensor(sent.key))
            return give(sent, value, fields, row_ == Row::part ? About::part : About::router);
        if (sent.key == "name") name_ = value;
        if (sent.key != "value") return;
        give({name_}, value, fields);
        row_ = Row::none;
    }

private:
    enum class Row : uint8_t { none, sensor, part };

    static bool is_of_sensor(std::string_view key) {
        return key == "name" || key == "type" || key == "value";
    }

    void begin(std::string_view id) {
        const auto behind = static_cast<size_t>(id.data() - list_.data());
        const size_t next = std::min(list_.find(";.id=", behind), list_.size());
        const bool has_value = list_.substr(behind, next - behind).find(";value=") != list_.npos;
        const bool is_only = next == list_.size() && rows_ == 0;
        row_ = has_value ? Row::sensor : is_only ? Row::none : Row::part;
        ++rows_;
    }

    std::string_view list_;
    std::string_view name_;
    Row row_ = Row::none;
    size_t rows_ = 0;
};

// Returns the part of `text` from `begin` on. If that part is not UTF-8, appends it again as UTF-8
// and returns the appended text.
std::string_view as_utf8(std::string& text, size_t begin) {
    const size_t end = text.size();
    const std::string_view sent = std::string_view(text).substr(begin);
    if (utf8_valid(sent)) return sent;
    append_as_utf8(sent, text);
    return std::string_view(text).substr(end);
}

// Returns whether a form is percent-encoded. RouterOS encodes everything or nothing, and never
// writes `+` for a space. Other programs write `+`, but only in forms that they encode.
bool is_encoded(std::string_view form) {
    for (size_t at = 0; (at = form.find('%', at)) != form.npos; ++at)
        if (at + 2 < form.size() && hex_digit(form[at + 1]) >= 0 && hex_digit(form[at + 2]) >= 0)
            return form.find(' ') == form.npos;
    return false;
}

// Extends a value by the next parts of the form that have no `=`. In a form that is not encoded,
// the `&` in "RB924i-2nD-BT5&BG77" is part of the value.
void take_fragments(std::string_view form, Part& part) {
    while (!part.was_quoted && part.end < form.size()) {
        const size_t end = std::min(form.find('&', part.end), form.size());
        const std::string_view next = form.substr(part.end, end - part.end);
        if (is_white(next) || next.find('=') != next.npos) return;
        part.value = {part.value.data(), part.value.size() + 1 + next.size()};
        part.end = std::min(end + 1, form.size());
    }
}

// Words that follow `X-` in the names of header fields from proxies. Agents do not send such
// fields.
constexpr auto not_vendors = std::to_array<std::string_view>(
    {"akamai", "amzn", "azure", "b3", "client", "cloud", "cluster", "correlation", "envoy",
     "forwarded", "original", "proxy", "real", "remote", "request", "server", "trace", "user"});

}  // namespace

void read_list(std::string_view text, Fields& fields, std::string& scratch) {
    // Returns a quoted text without its backslashes.
    const auto unescaped = [&](std::string_view quoted) {
        const size_t begin = scratch.size();
        for (size_t at = 0; at < quoted.size(); ++at) {
            if (quoted[at] == '\\' && at + 1 < quoted.size()) ++at;
            scratch += quoted[at];
        }
        return std::string_view(scratch).substr(begin);
    };
    MenuRows rows(text);
    each_pair(text, separators_of(text, fields.dictionary()), fields,
              [&](const Sent& sent, const Part& part) {
                  const bool is_escaped = part.was_quoted && part.value.find('\\') != text.npos;
                  rows.take(sent, is_escaped ? unescaped(part.value) : part.value, fields);
              });
}

bool has_known_pair(std::string_view text, Dictionary& dictionary) {
    const Part first = first_part(text, separators_of(text, dictionary));
    return first.equals != text.npos &&
           dictionary.look_up(first.text.substr(0, first.equals)).in_pairs != nullptr;
}

// Reserves twice the size, because a decoded part that is not UTF-8 is appended again as UTF-8.
// Neither of the two copies is longer than the encoded part.
PairDecoder::PairDecoder(size_t text_bytes_max) {
    decoded_.reserve(2 * 2 * text_bytes_max);  // One half for the body, one for out-of-band fields.
    json_.reserve(2 * text_bytes_max + body_padding);
}

void PairDecoder::form(std::string_view text, Fields& fields) {
    Dictionary& dictionary = fields.dictionary();
    const bool encoded = is_encoded(text);
    while (!text.empty()) {
        const auto expected = dictionary.expect(text, "=");
        Part part = first_part(text, {'=', '&', false}, expected.bytes);
        if (part.equals == text.npos) {
            if (!is_white(part.text)) fields.warn(Warning::kv_fragment_ignored);
            text.remove_prefix(part.end);
            continue;
        }
        const std::string_view key = part.text.substr(0, part.equals);
        const std::string_view name =
            expected.meaning != nullptr ? key : decoded(key, encoded, fields);
        const Meaning& meaning =
            expected.meaning != nullptr ? *expected.meaning : dictionary.look_up(name);
        const bool is_text =
            meaning.in_pairs == nullptr || Key{name, meaning.in_pairs}.keeps_text();
        if (!encoded && is_text) take_fragments(text, part);
        text.remove_prefix(part.end);
        const std::string_view value = decoded(part.value, encoded, fields);
        name == "health" ? list(value, fields) : give({name, &meaning}, value, fields);
    }
}

PairDecoder::JsonField PairDecoder::json_field(std::string_view text) {
    const auto opens = [](std::string_view value) {
        return value.starts_with('{') || value.starts_with("[{");
    };
    const bool encoded = is_encoded(text);
    for (size_t begin = 0; begin < text.size();) {
        const size_t end = std::min(text.find('&', begin), text.size());
        const std::string_view field = text.substr(begin, end - begin);
        const size_t equals = field.find('=');
        const bool is_pair = equals != field.npos && !opens(field);
        std::string_view value = field.substr(is_pair ? equals + 1 : 0);
        const std::string_view before = text.substr(0, begin);
        if (opens(value)) {  // The JSON is not encoded, so it can contain an `&`.
            value = text.substr(static_cast<size_t>(value.data() - text.data()));
            return {value.substr(0, value.rfind(value[0] == '{' ? '}' : ']') + 1), before, {}};
        }
        if (value.starts_with("%7") || value.starts_with("%5") || value.starts_with("%257") ||
            value.starts_with("%255")) {
            json_.clear();
            append_decoded(value, encoded, json_);
            size_t json_begin = 0;
            if (json_.starts_with('%')) {  // The JSON was encoded twice.
                json_begin = json_.size();
                append_decoded(std::string_view(json_).substr(0, json_begin), encoded, json_);
            }
            const size_t size = json_.size();
            const std::string_view after = text.substr(std::min(end + 1, text.size()));
            const std::string_view json = as_utf8(json_, json_begin);
            if (opens(json)) return {json, before, after, true, json_.size() > size};
        }
        begin = end + 1;
    }
    return {};
}

void PairDecoder::header(std::string_view lines, bool beside_body, Fields& fields) {
    Dictionary& dictionary = fields.dictionary();
    each_pair(lines, {'=', '\n', false}, fields, [&](const Sent& sent, const Part& part) {
        constexpr size_t prefix = std::string_view("X-").size();
        const size_t vendor_end = sent.key.find('-', prefix);
        if (vendor_end == sent.key.npos) return;
        const std::string_view vendor = sent.key.substr(prefix, vendor_end - prefix);
        if (std::ranges::any_of(not_vendors,
                                [&](std::string_view word) { return same_word(vendor, word); }))
            return;
        std::string_view key = sent.key.substr(prefix);
        if (dictionary.look_up(key).alone == nullptr) key = sent.key.substr(vendor_end + 1);
        const Meaning& meaning = dictionary.look_up(key);
        // A key that counts only in pairs has another meaning in a header field. For example,
        // X-Request-Id identifies a request.
        if (meaning.in_pairs != meaning.alone) return;
        if (beside_body && (meaning.alone == nullptr || !names_router(meaning.alone->column)))
            return;
        give({key, &meaning}, part.value, fields);
    });
}

std::string_view PairDecoder::decoded(std::string_view part, bool encoded, Fields& fields) {
    static constexpr ByteSet encoding("%+");
    if (encoding.find_in(part) == part.size()) return part;
    const size_t begin = decoded_.size();
    append_decoded(part, encoded, decoded_);
    const size_t end = decoded_.size();
    const std::string_view text = as_utf8(decoded_, begin);
    if (decoded_.size() > end) fields.warn(Warning::charset_cp1252);
    return text;
}

}  // namespace rollcall
