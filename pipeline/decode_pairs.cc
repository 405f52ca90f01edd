#include "pipeline/decode_pairs.h"

#include <algorithm>

#include "pipeline/ascii.h"
#include "pipeline/json.h"
#include "pipeline/utf8.h"

namespace rollcall {

namespace {

// Calls visit(key, value) for each part between separators that is a pair.
template <class Visit>
void each_pair(std::string_view text, char separator, Fields& fields, Visit visit) {
    while (!text.empty()) {
        const size_t length = std::min(text.find(separator), text.size());
        const std::string_view part = text.substr(0, length);
        text.remove_prefix(std::min(length + 1, text.size()));
        const size_t equals = part.find('=');
        if (equals != part.npos) {
            visit(part.substr(0, equals), part.substr(equals + 1));
        } else if (part.find_first_not_of(" \t\r\n") != part.npos) {
            fields.remark(Remark::kv_fragment_ignored);
        }
    }
}

void give(std::string_view name, std::string_view value, Fields& fields) {
    if (name.starts_with('.')) return;  // ".id": RouterOS' number of a row.
    const Meaning meaning = fields.dictionary().look_up(name);
    if (meaning.alone) return fields.text({name, meaning.alone}, value);
    if (!meaning.plain) return fields.remark(Remark::kv_fragment_ignored);
    if (!value.empty()) fields.extra().text({name, meaning.secret}, value);
}

// The rows of /system health, as print writes them: ".id=*1;name=voltage;type=V;value=24.1;.id=*2".
void give_rows(std::string_view rows, Fields& fields) {
    std::string_view sensor;
    each_pair(rows, ';', fields, [&](std::string_view key, std::string_view value) {
        if (key == "name") sensor = value;
        if (key == "value") give(sensor, value, fields);
    });
}

// A `%` that no two hex digits follow stands for itself: "cpu=7%".
void append_decoded(std::string_view part, bool plus_is_space, std::string& out) {
    for (size_t at = 0; at < part.size(); ++at) {
        char c = part[at];
        if (c == '+' && plus_is_space) c = ' ';
        if (c == '%' && at + 2 < part.size()) {
            const int high = hex_digit(part[at + 1]);
            const int low = hex_digit(part[at + 2]);
            if (high >= 0 && low >= 0) {
                c = static_cast<char>(high * 16 + low);
                at += 2;
            }
        }
        out += c;
    }
}

// What stands in `text` from `begin` on, written a second time if it is not UTF-8.
std::string_view as_utf8(std::string& text, size_t begin) {
    const size_t end = text.size();
    const std::string_view sent = std::string_view(text).substr(begin);
    if (utf8_valid(sent)) return sent;
    append_as_utf8(sent, text);
    return std::string_view(text).substr(end);
}

}  // namespace

// A part that decodes to something else than UTF-8 is written a second time: at most its size.
PairDecoder::PairDecoder(size_t text_bytes_max) {
    decoded_.reserve(2 * 2 * text_bytes_max);  // A body's, and what came beside it.
    json_.reserve(2 * text_bytes_max + body_padding);
}

void PairDecoder::list(std::string_view text, Fields& fields) {
    const char separator = text.find(';') == text.npos ? '\n' : ';';
    // Sensors, as `print as-value` lists them, stand at the end.
    constexpr std::string_view row = ".id=";
    const size_t rows = text.starts_with(row) ? 0 : text.find(";.id=");
    const bool has_rows = rows != text.npos && text.find(";value=", rows) != text.npos;
    each_pair(text.substr(0, has_rows ? rows : text.npos), separator, fields,
              [&](std::string_view key, std::string_view value) { give(key, value, fields); });
    if (has_rows) give_rows(text.substr(rows), fields);
}

void PairDecoder::form(std::string_view text, Fields& fields) {
    // RouterOS encodes all or nothing: beside a raw space, `RB5009UG+S+` means what it says.
    const bool plus_is_space = text.find(' ') == text.npos;
    each_pair(text, '&', fields, [&](std::string_view key, std::string_view value) {
        const std::string_view name = decoded(key, plus_is_space, fields);
        const std::string_view meant = decoded(value, plus_is_space, fields);
        if (name == "health") return give_rows(meant, fields);
        give(name, meant, fields);
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
        if (opens(value)) {  // As it is: an `&` in it is its own.
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
    each_pair(lines, '\n', fields, [&](std::string_view name, std::string_view value) {
        const size_t vendor_end = name.find('-', std::string_view("X-").size());
        if (vendor_end == name.npos) return;
        const std::string_view key = name.substr(vendor_end + 1);
        const KnownKey* const known = fields.dictionary().look_up(key).alone;
        if (known != nullptr && known->pairs_only) return;  // X-Request-Id is the request's.
        give(key, value, fields);
    });
}

std::string_view PairDecoder::decoded(std::string_view part, bool plus_is_space, Fields& fields) {
    if (part.find_first_of("%+") == part.npos) return part;
    const size_t begin = decoded_.size();
    append_decoded(part, plus_is_space, decoded_);
    const size_t end = decoded_.size();
    const std::string_view text = as_utf8(decoded_, begin);
    if (decoded_.size() > end) fields.remark(Remark::charset_cp1252);
    return text;
}

}  // namespace rollcall
