// Inflater: decompression of bodies, with zlib and libzstd.
//
// clang-format off
//     gzip     RFC 1952. Several members, one after the other, are one body.
//     deflate  RFC 1950 (zlib), or bare RFC 1951, which some senders mean by this word. A body
//              whose first byte ends in the bits 1000 is the former; the latter would begin with a
//              stored block and a bit set in its padding, which no encoder writes.
//     zstd     RFC 8878. Several frames are one body. No dictionaries, and none of the formats from
//              before version 1.0.
// clang-format on
//
// A body that is truncated, is followed by other bytes, or does not match its checksum is refused
// as a whole: bad_encoding.
//
// Decompression bombs: the body is complete when it is inflated, so this happens in one step, into
// a buffer of the size of the limit. The buffer is also the window of the format; no other window
// is allocated, whatever size a body asks for. Above ratio_free_bytes the limit is also ratio_max
// times the size of the compressed body: a thousand reports with different values inflate to 8
// times their size. A body above either limit is body_too_large.
//
// Threads: one Inflater for each worker. Its memory is allocated at construction, except 32 KiB
// that zlib allocates for the first body that it refuses, and keeps.
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

// Returns the coding that a Content-Encoding header names, or nothing if it names an unknown one or
// several.
[[nodiscard]] std::optional<ContentEncoding> content_encoding(std::string_view value);

class Inflater {
public:
    static constexpr size_t ratio_free_bytes = 65536;
    static constexpr size_t ratio_max = 200;

    explicit Inflater(size_t plain_bytes_max);
    ~Inflater();

    // Returns the decoded body of at most `bytes_max` bytes, which is at most plain_bytes_max. It
    // is valid until the next call, and body_padding bytes behind it are readable. Returns an empty
    // body and one without an encoding as they are.
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
