// JsonDecoder: a JSON object to (key, value), with simdjson.
//
// The whole text is held to RFC 8259, also where nothing is taken from it. Members whose value is
// an object or an array are passed over.
//
// Threads: one for each worker, inside its Decoder; all memory is allocated at construction.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "pipeline/error.h"
#include "pipeline/fields.h"

namespace rollcall {

// Bytes that must be readable, whatever they hold, behind a text: simdjson looks at whole blocks.
inline constexpr size_t body_padding = 64;

class JsonDecoder {
public:
    explicit JsonDecoder(size_t text_bytes_max);
    ~JsonDecoder();

    // `text` is valid UTF-8, not empty, and readable for body_padding bytes beyond its end. Offsets
    // of errors are into `text`. What `fields` is given stays readable until the next decode().
    [[nodiscard]] Result<void> decode(std::string_view text, Fields& fields);

private:
    struct Parser;  // simdjson's, which stays in one file.

    std::unique_ptr<Parser> parser_;
};

}  // namespace rollcall
