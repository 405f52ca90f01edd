#include "pipeline/base/json_text.h"

#include <fmt/core.h>

#include "pipeline/base/utf8.h"

namespace rollcall {

namespace {

void append_escaped(std::string_view text, std::string& out) {
    for (const char byte : text) {
        if (byte == '"' || byte == '\\')
            out.append(1, '\\').append(1, byte);
        else if (static_cast<unsigned char>(byte) < ' ')
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(byte));
        else
            out += byte;
    }
}

}  // namespace

void append_json_text(std::string_view text, std::string& out) {
    out += '"';
    if (utf8_valid(text)) {
        append_escaped(text, out);
    } else {
        std::string valid;
        append_as_utf8(text, valid);
        append_escaped(valid, out);
    }
    out += '"';
}

std::string json_text(std::string_view text) {
    std::string out;
    append_json_text(text, out);
    return out;
}

}  // namespace rollcall
