// Decodes arbitrary bodies with each hint that a Content-Type can give. Either the reports become
// valid rows, or the decoder refuses the body with an offset inside it. The result must not depend
// on the bytes after the body or on earlier bodies.
#include <optional>

#include "tests/support/report.h"

namespace {

using namespace rollcall;

constexpr size_t body_bytes_max = 65536;
constexpr size_t items_max = 8;

bool has_offset(Code code) { return info(code).source == Source::json; }

// Returns true if the body begins like a JSON string, which can hold the report.
bool is_in_string(std::string_view body) {
    if (body.starts_with("\xEF\xBB\xBF")) body.remove_prefix(3);
    const size_t first = body.find_first_not_of(" \t\r\n");
    return first != body.npos && body[first] == '"';
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size > body_bytes_max) return 0;
    static Decoder decoder(body_bytes_max, items_max);
    static Rows one(items_max, items_max * row_text_max);
    static Rows other(items_max, items_max * row_text_max);
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    for (const BodyHint hint :
         {BodyHint::unknown, BodyHint::json, BodyHint::form, BodyHint::json_lines}) {
        one.clear();
        other.clear();
        const Body before_quotes(bytes, '"');
        const Body before_braces(bytes, '}');
        const auto result = one.take(decoder, {before_quotes.view(), hint});
        (void)other.take(decoder, {before_braces.view(), hint});
        other.clear();
        const auto same = other.take(decoder, {before_braces.view(), hint});
        ensure(result.has_value() == same.has_value());
        ensure(one.items == other.items && record_of(one.rows) == record_of(other.rows));
        if (result) continue;
        const Error& error = result.error();
        ensure(error.code == same.error().code && error.offset == same.error().offset);
        ensure(error.action() == Action::reject);
        ensure(error.offset <= static_cast<int64_t>(size));
        // JSON decoded from a form field or from a JSON string has no offset in the body.
        if (hint == BodyHint::json && !is_in_string(bytes))
            ensure((error.offset >= 0) == has_offset(error.code));
    }
    return 0;
}
