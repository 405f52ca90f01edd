#include "pipeline/decode_pairs.h"

#include <algorithm>

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
    const Meaning meaning = fields.dictionary().look_up(name);
    if (meaning.alone) return fields.text({name, meaning.alone}, value);
    if (!meaning.plain) return fields.remark(Remark::kv_fragment_ignored);
    if (!value.empty()) fields.extra().text({name, meaning.secret}, value);
}

// The rows of /system health, as print writes them: ".id=*1;name=voltage;type=V;value=24.1;.id=*2".
void give_health(std::string_view rows, Fields& fields) {
    std::string_view sensor;
    each_pair(rows, ';', fields, [&](std::string_view key, std::string_view value) {
        if (key == "name") sensor = value;
        if (key == "value") give(sensor, value, fields);
    });
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char letter = static_cast<char>(c | 0x20);
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

}  // namespace

// A part that decodes to something else than UTF-8 is written a second time: at most its size.
PairDecoder::PairDecoder(size_t text_bytes_max) {
    decoded_.reserve(2 * text_bytes_max + body_padding);
}

void PairDecoder::list(std::string_view text, Fields& fields) {
    each_pair(text, ';', fields,
              [&](std::string_view key, std::string_view value) { give(key, value, fields); });
}

void PairDecoder::form(std::string_view text, Fields& fields) {
    decoded_.clear();
    // RouterOS encodes all or nothing: beside a raw space, `RB5009UG+S+` means what it says.
    const bool plus_is_space = text.find(' ') == text.npos;
    each_pair(text, '&', fields, [&](std::string_view key, std::string_view value) {
        const std::string_view name = decoded(key, plus_is_space, &fields);
        const std::string_view meant = decoded(value, plus_is_space, &fields);
        if (name == "health") return give_health(meant, fields);
        give(name, meant, fields);
    });
}

std::string_view PairDecoder::json_field(std::string_view text) {
    const size_t begin = text.find('=') + 1;
    std::string_view value = text.substr(begin);
    if (value.starts_with('{') || value.starts_with('['))
        return value.substr(0, value.rfind(value[0] == '{' ? '}' : ']') + 1);
    if (!value.starts_with("%7") && !value.starts_with("%5")) return {};
    value = value.substr(0, value.find('&'));
    decoded_.clear();
    const std::string_view meant = decoded(value, value.find(' ') == value.npos, nullptr);
    return meant.starts_with('{') || meant.starts_with('[') ? meant : std::string_view();
}

void PairDecoder::header(std::string_view lines, Fields& fields) {
    each_pair(lines, '\n', fields, [&](std::string_view name, std::string_view value) {
        const size_t vendor_end = name.find('-', std::string_view("X-").size());
        if (vendor_end != name.npos) give(name.substr(vendor_end + 1), value, fields);
    });
}

// A `%` that no two hex digits follow stands for itself: "cpu=7%".
std::string_view PairDecoder::decoded(std::string_view part, bool plus_is_space, Fields* fields) {
    if (part.find_first_of("%+") == part.npos) return part;
    size_t begin = decoded_.size();
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
        decoded_ += c;
    }
    if (!utf8_valid(std::string_view(decoded_).substr(begin))) {
        if (fields != nullptr) fields->remark(Remark::charset_cp1252);
        const size_t end = decoded_.size();
        append_as_utf8(std::string_view(decoded_).substr(begin, end - begin), decoded_);
        begin = end;
    }
    return std::string_view(decoded_).substr(begin);
}

}  // namespace rollcall
