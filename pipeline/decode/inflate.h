// Inflater: decompresses bodies, with zlib and libzstd.
//
// clang-format off
//     gzip     RFC 1952. Several members in a row are one body.
//     deflate  RFC 1950 (zlib), or bare RFC 1951, which some senders mean by this name. A body is
//              zlib if the low bits of its first byte are 1000. A bare body with these bits would
//              begin with a stored block and a set padding bit, which no encoder writes.
//     zstd     RFC 8878. Several frames in a row are one body. Dictionaries and the formats from
//              before version 1.0 are not supported.
// clang-format on
//
// A body that is truncated, has other bytes after its end, or does not match its checksum is
// refused as a whole with bad_encoding.
//
// Decompression bombs: a body is inflated only when all of it has arrived. So it is inflated in one
// step, into a buffer whose size is the limit. This buffer also serves as the decompression window.
// No other window is allocated, whatever window size a body requests. The limit is `bytes_max`. For
// a small body, the limit is lower: ratio_max times the size of the compressed body, but at least
// ratio_free_bytes. Real reports stay far below ratio_max: a thousand reports with different values
// inflate to 8 times their size. A body above the limit is refused with body_too_large.
//
// Threads: one Inflater for each worker. Its memory is allocated at construction, except for 32
// KiB, which zlib allocates and keeps when it first refuses a body.
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

// Returns the coding that a Content-Encoding header names. Returns nothing if the header names
// several codings or an unknown one.
[[nodiscard]] std::optional<ContentEncoding> content_encoding(std::string_view value);

class Inflater {
public:
    static constexpr size_t ratio_free_bytes = 65536;
    static constexpr size_t ratio_max = 200;

    explicit Inflater(size_t plain_bytes_max);
    ~Inflater();

    // Returns the decoded body, which has at most `bytes_max` bytes. The decoded body is valid
    // until the next call, and the body_padding bytes after it are readable. Returns an empty body,
    // and a body without an encoding, unchanged. REQUIRES: bytes_max <= plain_bytes_max.
    [[nodiscard]] Result<std::string_view> inflate(ContentEncoding encoding, std::string_view body,
                                                   size_t bytes_max);

private:
    struct Libraries;  // The state of zlib and libzstd, whose headers only inflate.cc includes.

    [[nodiscard]] Result<size_t> inflate_gzip(std::string_view body, std::span<char> output);
    [[nodiscard]] Result<size_t> inflate_deflate(std::string_view body, std::span<char> output);
    [[nodiscard]] Result<size_t> inflate_zstd(std::string_view body, std::span<char> output);

    size_t plain_bytes_max_;
    std::unique_ptr<char[]> plain_;
    std::unique_ptr<Libraries> libraries_;
};

}  // namespace rollcall
