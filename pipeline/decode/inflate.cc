#include "pipeline/decode/inflate.h"

#define ZLIB_CONST  // Makes zlib declare its input pointer as pointer to const.
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "pipeline/base/ascii.h"
#include "pipeline/decode/json_cursor.h"

namespace rollcall {

namespace {

// zlib's windowBits, for the largest window; the value also selects the format.
constexpr int window_bits = 15;
constexpr int zlib_format = window_bits;
constexpr int gzip_format = window_bits + 16;
constexpr int raw_format = -window_bits;

bool begins_as_zlib(std::string_view body) { return (body[0] & 0x0F) == Z_DEFLATED; }

// Returns whether a body begins with a frame of the current format. Frames of older formats are
// refused even if libzstd was built with decoders for them, because such decoders are rarely
// reviewed.
bool begins_as_zstd(std::string_view body) {
    uint32_t magic = 0;
    if (body.size() < sizeof magic) return false;
    for (size_t i = 0; i < sizeof magic; ++i)
        magic |= uint32_t{static_cast<uint8_t>(body[i])} << (8 * i);
    return magic == ZSTD_MAGICNUMBER ||
           (magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START;
}

void start(z_stream& stream, int format, std::string_view body, std::span<char> output) {
    ensure(inflateReset2(&stream, format) == Z_OK);
    stream.next_in = reinterpret_cast<const Bytef*>(body.data());
    stream.avail_in = static_cast<uInt>(body.size());
    stream.next_out = reinterpret_cast<Bytef*>(output.data());
    stream.avail_out = static_cast<uInt>(output.size());
}

// Inflates the whole stream.
Result<void> finish(z_stream& stream) {
    // Inflate in a single call, so that the output also serves as the window.
    const int status = inflate(&stream, Z_FINISH);
    if (stream.avail_out == 0) return fail(Code::body_too_large);
    if (status != Z_STREAM_END) return fail(Code::bad_encoding);
    return {};
}

}  // namespace

std::optional<ContentEncoding> content_encoding(std::string_view value) {
    constexpr std::string_view spaces = " \t";
    value.remove_prefix(std::min(value.find_first_not_of(spaces), value.size()));
    value = value.substr(0, value.find_last_not_of(spaces) + 1);
    if (value.empty() || same_word(value, "identity")) return ContentEncoding::identity;
    if (same_word(value, "gzip") || same_word(value, "x-gzip")) return ContentEncoding::gzip;
    if (same_word(value, "deflate")) return ContentEncoding::deflate;
    if (same_word(value, "zstd")) return ContentEncoding::zstd;
    return std::nullopt;
}

struct Inflater::Libraries {
    Libraries() : zstd(ZSTD_createDCtx()) {
        ensure(zstd);
        ensure(inflateInit2(&zlib, window_bits) == Z_OK);
    }
    ~Libraries() {
        inflateEnd(&zlib);
        ZSTD_freeDCtx(zstd);
    }
    Libraries(const Libraries&) = delete;
    Libraries& operator=(const Libraries&) = delete;

    z_stream zlib{};
    ZSTD_DCtx* zstd;
};

Inflater::Inflater(size_t plain_bytes_max)
    : plain_bytes_max_(plain_bytes_max),
      // The kernel allocates the pages of this buffer when a body first uses them.
      plain_(std::make_unique_for_overwrite<char[]>(plain_bytes_max + body_padding)),
      libraries_(std::make_unique<Libraries>()) {
    static_assert(body_padding >= 1);  // The output has one byte more than its limit.
    ensure(plain_bytes_max < std::numeric_limits<uInt>::max());
}

Inflater::~Inflater() = default;

Result<std::string_view> Inflater::inflate(ContentEncoding encoding, std::string_view body,
                                           size_t bytes_max) {
    ensure(bytes_max <= plain_bytes_max_ && body.size() <= std::numeric_limits<uInt>::max());
    if (encoding == ContentEncoding::identity || body.empty()) return body;

    // The output has one byte more than the limit, so if it is full, the body is too large.
    const size_t paid_for = std::max(ratio_free_bytes, ratio_max * body.size());
    const std::span<char> output(plain_.get(), std::min(bytes_max, paid_for) + 1);
    const auto bytes = encoding == ContentEncoding::gzip      ? inflate_gzip(body, output)
                       : encoding == ContentEncoding::deflate ? inflate_deflate(body, output)
                                                              : inflate_zstd(body, output);
    if (!bytes) return std::unexpected(bytes.error());
    return std::string_view(plain_.get(), *bytes);
}

Result<size_t> Inflater::inflate_gzip(std::string_view body, std::span<char> output) {
    z_stream& stream = libraries_->zlib;
    for (start(stream, gzip_format, body, output);; ensure(inflateReset(&stream) == Z_OK)) {
        if (const auto finished = finish(stream); !finished)
            return std::unexpected(finished.error());
        if (stream.avail_in == 0) return output.size() - stream.avail_out;
    }
}

Result<size_t> Inflater::inflate_deflate(std::string_view body, std::span<char> output) {
    z_stream& stream = libraries_->zlib;
    start(stream, begins_as_zlib(body) ? zlib_format : raw_format, body, output);
    if (const auto finished = finish(stream); !finished) return std::unexpected(finished.error());
    if (stream.avail_in > 0) return fail(Code::bad_encoding);
    return output.size() - stream.avail_out;
}

Result<size_t> Inflater::inflate_zstd(std::string_view body, std::span<char> output) {
    size_t bytes = 0;
    while (!body.empty()) {
        if (!begins_as_zstd(body)) return fail(Code::bad_encoding);
        const size_t frame_bytes = ZSTD_findFrameCompressedSize(body.data(), body.size());
        if (ZSTD_isError(frame_bytes)) return fail(Code::bad_encoding);
        const auto left = output.subspan(bytes);
        const size_t added = ZSTD_decompressDCtx(libraries_->zstd, left.data(), left.size(),
                                                 body.data(), frame_bytes);
        if (ZSTD_isError(added))
            return fail(ZSTD_getErrorCode(added) == ZSTD_error_dstSize_tooSmall
                            ? Code::body_too_large
                            : Code::bad_encoding);
        bytes += added;
        if (bytes == output.size()) return fail(Code::body_too_large);
        body.remove_prefix(frame_bytes);
    }
    return bytes;
}

}  // namespace rollcall
