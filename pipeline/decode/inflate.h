// Inflater: the plain text of a body that came compressed, with zlib and libzstd.
//
//     gzip     RFC 1952. Several members, one after the other, are one body.
//     deflate  RFC 1950 (zlib), or what some senders take the word for: bare RFC 1951. A body whose
//              first byte ends in the bits 1000 is the former; the latter would begin with a stored
//              block and a bit set in its padding, which no encoder writes.
//     zstd     RFC 8878. Several frames are one body. No dictionaries, nor what zstd wrote before
//              its format was settled.
//
// A body is taken whole or refused: cut short, followed by anything else, or other than its own
// checksum says, it is bad_encoding.
//
// Bombs: the whole body is there, so it is inflated at once, into a buffer as large as the limit.
// That is also the window that the formats look back into: no other is allocated, whatever window
// a body asks for. From ratio_free_bytes on, the limit is also ratio_max times what was sent: a
// thousand reports whose values differ come to 8 times. Past either it is body_too_large.
//
// Threads: one Inflater for each worker. Its memory is allocated at construction, but for 32 KiB
// that zlib takes at the first body it refuses, and keeps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "pipeline/base/error.h"

namespace rollcall {

enum class ContentEncoding : uint8_t { identity, gzip, deflate, zstd };

// What a Content-Encoding header says; nothing if it is not understood, as two codings are not.
[[nodiscard]] std::optional<ContentEncoding> content_encoding(std::string_view value);

class Inflater {
public:
    static constexpr size_t ratio_free_bytes = 65536;
    static constexpr size_t ratio_max = 200;

    explicit Inflater(size_t plain_bytes_max);
    ~Inflater();

    // The plain body, of at most `bytes_max` (which is not above plain_bytes_max); it lies in the
    // Inflater until the next call, and body_padding bytes behind it are readable. An empty body
    // and one that is not encoded are returned as they came.
    [[nodiscard]] Result<std::string_view> inflate(ContentEncoding encoding, std::string_view body,
                                                   size_t bytes_max);

private:
    struct Libraries;  // The state of zlib and libzstd, which stay in one file.

    [[nodiscard]] Result<size_t> inflate_gzip(std::string_view body, std::span<char> output);
    [[nodiscard]] Result<size_t> inflate_deflate(std::string_view body, std::span<char> output);
    [[nodiscard]] Result<size_t> inflate_zstd(std::string_view body, std::span<char> output);

    size_t plain_bytes_max_;
    std::unique_ptr<char[]> plain_;
    std::unique_ptr<Libraries> libraries_;
};

}  // namespace rollcall
