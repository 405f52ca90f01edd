#include "pipeline/decode/pairs.h"

#include <algorithm>

#include "pipeline/base/ascii.h"
#include "pipeline/base/utf8.h"
#include "pipeline/decode/json_cursor.h"

namespace rollcall {

namespace {

// The key of a pair as it was sent, and its meaning if the dictionary has told it.
struct Sent {
    std::string_view key;
    const Meaning* meaning = nullptr;
};

// Calls visit(sent, value) for each pair. Warns about each part between separators that is none.
template <class Visit>
void each_pair(std::string_view text, char separator, Fields& fields, Visit visit) {
    Dictionary& dictionary = fields.dictionary();
    while (!text.empty()) {
        const auto expected = dictionary.expect(text, "=");
        const size_t length = std::min(text.find(separator, expected.bytes), text.size());
        const std::string_view part = text.substr(0, length);
        text.remove_prefix(std::min(length + 1, text.size()));
        const size_t equals = expected.bytes > 0 ? expected.bytes : part.find('=');
        if (equals != part.npos) {
            visit(Sent{part.substr(0, equals), expected.meaning}, part.substr(equals + 1));
        } else if (part.find_first_not_of(" \t\r\n") != part.npos) {
            fields.warn(Warning::kv_fragment_ignored);
        }
    }
}

void give(const Sent& sent, std::string_view value, Fields& fields) {
    const auto& [name, known] = sent;
    if (name.starts_with('.')) return;  // ".id" is the number of a row in RouterOS.
    const Meaning& meaning = known != nullptr ? *known : fields.dictionary().look_up(name);
    if (meaning.in_pairs) return fields.text({name, meaning.in_pairs}, value);
    if (!meaning.plain) return fields.warn(Warning::kv_fragment_ignored);
    if (!value.empty()) fields.extra().text({name, meaning.secret, meaning.plain}, value);
}

// The rows of /system health as `print` writes them:
// ".id=*1;name=voltage;type=V;value=24.1;.id=*2".
struct Sensors {
    std::string_view name;

    void take(const Sent& sent, std::string_view value, Fields& fields) {
        if (sent.key == "name") name = value;
        if (sent.key == "value") give({name}, value, fields);
    }
};

// Returns the part of `text` from `begin` on. If that is not UTF-8, appends it recoded and returns
// that.
std::string_view as_utf8(std::string& text, size_t begin) {
    const size_t end = text.size();
    const std::string_view sent = std::string_view(text).substr(begin);
    if (utf8_valid(sent)) return sent;
    append_as_utf8(sent, text);
    return std::string_view(text).substr(end);
}

}  // namespace

// A decoded part that is not UTF-8 is appended a second time, recoded, with at most the same size.
PairDecoder::PairDecoder(size_t text_bytes_max) {
    decoded_.reserve(2 * 2 * text_bytes_max);  // For the body, and for the out-of-band fields.
    json_.reserve(2 * text_bytes_max + body_padding);
}

void PairDecoder::list(std::string_view text, Fields& fields) {
    const char separator = text.find(';') == text.npos ? '\n' : ';';
    Sensors sensors;
    bool are_sensors = false;
    each_pair(text, separator, fields, [&](const Sent& sent, std::string_view value) {
        // `print as-value` lists the rows at the end of the list.
        if (sent.key == ".id" && !are_sensors) {
            const auto behind = static_cast<size_t>(value.data() - text.data());
            are_sensors = text.find(";value=", behind) != text.npos;
        }
        are_sensors ? sensors.take(sent, value, fields) : give(sent, value, fields);
    });
}

void PairDecoder::form(std::string_view text, Fields& fields) {
    // RouterOS encodes everything or nothing. If there is a raw space, a `+` is a plus.
    const bool plus_is_space = text.find(' ') == text.npos;
    each_pair(text, '&', fields, [&](const Sent& sent, std::string_view value) {
        const auto& [key, meaning] = sent;
        const std::string_view name =
            meaning != nullptr ? key : decoded(key, plus_is_space, fields);
        const std::string_view meant = decoded(value, plus_is_space, fields);
        if (name == "health") {
            Sensors sensors;
            return each_pair(meant, ';', fields, [&](const Sent& row, std::string_view of_row) {
                sensors.take(row, of_row, fields);
            });
        }
        give({name, meaning}, meant, fields);
    });
}

PairDecoder::JsonField PairDecoder::json_field(std::string_view text) {
    const auto opens = [](std::string_view value) {
        return value.starts_with('{') || value.starts_with("[{");
    };
    for (size_t begin = 0; begin < text.size();) {
        const size_t end = std::min(text.find('&', begin), text.size());
        const std::string_view field = text.substr(begin, end - begin);
        const size_t equals = field.find('=');
        std::string_view value = field.substr(equals == field.npos ? field.size() : equals + 1);
        const std::string_view before = text.substr(0, begin);
        if (opens(value)) {  // Not encoded, so an `&` may be part of the JSON.
            value = text.substr(static_cast<size_t>(value.data() - text.data()));
            return {value.substr(0, value.rfind(value[0] == '{' ? '}' : ']') + 1), before, {}};
        }
        if (value.starts_with("%7") || value.starts_with("%5")) {
            json_.clear();
            append_decoded(value, value.find(' ') == value.npos, json_);
            const size_t size = json_.size();
            const std::string_view after = text.substr(std::min(end + 1, text.size()));
            const std::string_view json = as_utf8(json_, 0);
            if (opens(json)) return {json, before, after, true, json_.size() > size};
        }
        begin = end + 1;
    }
    return {};
}

void PairDecoder::header(std::string_view lines, Fields& fields) {
    each_pair(lines, '\n', fields, [&](const Sent& sent, std::string_view value) {
        const size_t vendor_end = sent.key.find('-', std::string_view("X-").size());
        if (vendor_end == sent.key.npos) return;
        const std::string_view key = sent.key.substr(vendor_end + 1);
        const Meaning& meaning = fields.dictionary().look_up(key);
        if (meaning.in_pairs != meaning.alone) return;  // X-Request-Id identifies the request.
        give({key, &meaning}, value, fields);
    });
}

std::string_view PairDecoder::decoded(std::string_view part, bool plus_is_space, Fields& fields) {
    if (part.find_first_of("%+") == part.npos) return part;
    const size_t begin = decoded_.size();
    append_decoded(part, plus_is_space, decoded_);
    const size_t end = decoded_.size();
    const std::string_view text = as_utf8(decoded_, begin);
    if (decoded_.size() > end) fields.warn(Warning::charset_cp1252);
    return text;
}

}  // namespace rollcall
