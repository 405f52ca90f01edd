// Inflates arbitrary bodies with the encoding that the first byte selects. A new Inflater must give
// the same result as one that has inflated other bodies. The result is a plain text, bad_encoding
// or body_too_large. If a body is accepted, its plain text must fit a limit of exactly its size,
// and no smaller limit.
#include "pipeline/decode/inflate.h"

#include <string>

namespace {

using namespace rollcall;

constexpr size_t plain_bytes_max = 262144;

constexpr ContentEncoding encodings[] = {ContentEncoding::gzip, ContentEncoding::deflate,
                                         ContentEncoding::zstd};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    static Inflater inflater(plain_bytes_max);
    const ContentEncoding encoding = encodings[data[0] % std::size(encodings)];
    const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);

    const auto plain = inflater.inflate(encoding, body, plain_bytes_max);
    Inflater fresh(plain_bytes_max);
    const auto again = fresh.inflate(encoding, body, plain_bytes_max);
    ensure(plain.has_value() == again.has_value());
    if (!plain) {
        ensure(plain.error().code == again.error().code);
        ensure(plain.error().code == Code::bad_encoding ||
               plain.error().code == Code::body_too_large);
        return 0;
    }
    ensure(*plain == *again);
    if (plain->empty()) return 0;

    const size_t bytes = plain->size();
    const auto exact = inflater.inflate(encoding, body, bytes);
    ensure(exact && *exact == *again);
    const auto smaller = inflater.inflate(encoding, body, bytes - 1);
    ensure(!smaller && smaller.error().code == Code::body_too_large);
    return 0;
}
