// Parses arbitrary bytes as requests, whole and in pieces. Both must give the same result, and
// every returned view must lie inside the input. The first byte seeds the splitting and selects
// whether raw spaces are allowed.
#include "daemon/http/parser.h"

#include <algorithm>
#include <string>
#include <vector>

#include "tests/fuzz/splitter.h"

namespace {

using namespace rollcall;
using Step = HttpParser::Step;

// The limits are small, so that inputs reach each of them.
constexpr size_t header_bytes_max = 256;
constexpr size_t fields_max = 8;
constexpr size_t body_bytes_max = 300;

std::string read(std::string_view bytes, bool raw_spaces, Splitter* splitter) {
    HttpParser parser({header_bytes_max, fields_max, body_bytes_max, raw_spaces});
    std::string reading;
    std::string kept;
    while (!bytes.empty()) {
        const std::string_view piece = splitter ? splitter->take(bytes) : bytes;
        if (!splitter) bytes = {};
        // Each call gets a new buffer, so that AddressSanitizer detects views of an old buffer.
        std::vector<char> moved(kept.begin(), kept.end());
        moved.insert(moved.end(), piece.begin(), piece.end());
        std::string_view view(moved.data(), moved.size());
        for (bool more = false; !more;) {
            const auto step = parser.step(view);
            if (!step) return reading.append("!").append(to_text(step.error().code));
            switch (*step) {
                case Step::more: more = true; break;
                case Step::head: {
                    const HttpHead& head = parser.head();
                    ensure(head.method.size() + head.target.size() + head.fields.size() + 2 <=
                           header_bytes_max);
                    ensure(!head.method.empty() && head.target.starts_with('/'));
                    ensure(head.fields.empty() || head.fields.ends_with("\r\n"));
                    ensure(head.length <= body_bytes_max && (head.length == 0 || !head.chunked));
                    // Every line end is CRLF, so no field line can hide inside another one.
                    ensure(std::ranges::count(head.fields, '\n') ==
                           std::ranges::count(head.fields, '\r'));
                    ensure(head.fields.find('\0') == head.fields.npos);
                    each_field(head.fields, [](std::string_view name, std::string_view value) {
                        ensure(!name.empty() && value == without_blanks(value));
                    });
                    reading.append(head.method).append(head.target).append(head.fields).append("|");
                    for (const std::string_view value : {head.content_type, head.content_encoding,
                                                         head.expect, head.idempotency_key})
                        reading.append(value).append("|");
                    reading.append({head.keep_alive ? '+' : '-', head.chunked ? '+' : '-',
                                    head.has_length ? '+' : '-'});
                    reading += std::to_string(head.version * 1000 + head.length);
                    break;
                }
                case Step::body: reading.append(parser.piece()); break;
                case Step::end: reading += ';'; break;
            }
        }
        kept = view;
        ensure(kept.size() < header_bytes_max + 2);
    }
    return reading.append(parser.idle() ? "." : "?").append(kept);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const bool raw_spaces = (data[0] & 1) != 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::string whole = read(bytes, raw_spaces, nullptr);
    for (uint64_t seed = data[0]; seed < data[0] + 3U; ++seed) {
        Splitter splitter(seed);
        ensure(read(bytes, raw_spaces, &splitter) == whole);
    }
    return 0;
}
