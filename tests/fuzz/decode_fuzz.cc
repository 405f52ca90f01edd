// Any body, under each claim of its Content-Type: it is taken and its row is sound, or refused with
// a place in it; and what it became does not depend on the bytes behind it.
#include <optional>

#include "tests/support/report.h"

namespace {

using namespace rollcall;

constexpr size_t body_bytes_max = 65536;

struct Outcome {
    std::optional<Error> error;
    std::string warnings;
    Columns rows{1, row_text_max};
};

void decode(const Body& body, BodyHint hint, Outcome& outcome) {
    static Decoder decoder(body_bytes_max);
    static Fields fields;
    fields.begin(outcome.rows);
    if (const auto result = decoder.decode(body.view(), hint, fields); !result) {
        outcome.error = result.error();
        const bool has_place = result.error().code != Code::malformed_pairs &&
                               result.error().code != Code::unsupported_shape;
        ensure(result.error().move() == Move::reject);
        ensure((result.error().offset >= 0) == has_place);
        ensure(result.error().offset <= static_cast<int64_t>(body.view().size()));
        return;
    }
    outcome.warnings = fields.finish();
    outcome.rows.commit_row();
    ensure_sound(outcome.rows, 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size > body_bytes_max) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    for (const BodyHint hint : {BodyHint::unknown, BodyHint::json, BodyHint::form}) {
        Outcome one;
        Outcome other;
        decode(Body(bytes, '"'), hint, one);
        decode(Body(bytes, '}'), hint, other);
        ensure(one.error.has_value() == other.error.has_value());
        if (one.error) {
            ensure(one.error->code == other.error->code &&
                   one.error->offset == other.error->offset);
        } else {
            ensure(one.warnings == other.warnings);
            ensure(one.rows.mask() == other.rows.mask());
        }
    }
    return 0;
}
