#include "pipeline/decode/inflate.h"

#include <zlib.h>
#include <zstd.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "pipeline/decode/json_report.h"
#include "tests/support/random.h"

using namespace rollcall;
using namespace std::string_literals;

// A function that sanitizers provide; null in other builds. Its hooks also see calls of malloc in
// libraries.
extern "C" int __sanitizer_install_malloc_and_free_hooks(  // NOLINT(bugprone-reserved-identifier)
    void (*malloc_hook)(const volatile void*, size_t), void (*free_hook)(const volatile void*))
    __attribute__((weak));

namespace {

constexpr size_t plain_bytes_max = size_t{1} << 20;

const std::string report =
    R"({"serial_number":"HG709X1Y2Z3","cpu_count":4,"uptime":"1w2d03:04:05"})";

std::string zlib_written(std::string_view text, int window_bits, int level = 6) {
    z_stream stream{};
    BOOST_REQUIRE(deflateInit2(&stream, level, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) ==
                  Z_OK);
    // deflateBound() is too small for a small window with stored (uncompressed) blocks.
    std::string out(2 * text.size() + 100, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    BOOST_REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(out.size() - stream.avail_out);
    deflateEnd(&stream);
    return out;
}

std::string gzip(std::string_view text) { return zlib_written(text, 15 + 16); }
std::string zlib(std::string_view text) { return zlib_written(text, 15); }
std::string raw_deflate(std::string_view text) { return zlib_written(text, -15); }

std::string zstd(std::string_view text, int level = 3, int checksum = 1) {
    ZSTD_CCtx* context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, checksum);
    std::string out(ZSTD_compressBound(text.size()), '\0');
    out.resize(ZSTD_compress2(context, out.data(), out.size(), text.data(), text.size()));
    ZSTD_freeCCtx(context);
    return out;
}

// Returns a zstd frame of zeros: `blocks` times 128 KiB in 4 bytes. The frame requires a window of
// 2^window_log.
std::string zstd_zeros(size_t blocks, int window_log = 17) {
    std::string frame = "\x28\xB5\x2F\xFD\0"s + static_cast<char>((window_log - 10) << 3);
    for (size_t i = 1; i <= blocks; ++i) {
        const size_t head = size_t{131072} << 3 | 1 << 1 | (i == blocks ? 1 : 0);
        for (const unsigned shift : {0u, 8u, 16u}) frame += static_cast<char>(head >> shift);
        frame += '\0';
    }
    return frame;
}

// Returns a zstd frame without content. The limit of the output grows with the size of the input,
// so this frame raises the limit for the other frames of a body.
std::string skippable(size_t bytes) {
    std::string frame = "\x50\x2A\x4D\x18"s;
    for (const unsigned shift : {0u, 8u, 16u, 24u}) frame += static_cast<char>(bytes >> shift);
    return frame + std::string(bytes, '\0');
}

struct Format {
    const char* name;
    ContentEncoding encoding;
    std::string (*compress)(std::string_view);
};
const std::vector<Format> formats = {
    {"gzip", ContentEncoding::gzip, gzip},
    {"zlib", ContentEncoding::deflate, zlib},
    {"raw deflate", ContentEncoding::deflate, raw_deflate},
    {"zstd", ContentEncoding::zstd, [](std::string_view text) { return zstd(text); }},
};

Inflater& inflater() {
    static Inflater one(plain_bytes_max);
    return one;
}

// Returns the plain body, or the name of the error code.
std::string inflated(ContentEncoding encoding, std::string_view body,
                     size_t bytes_max = plain_bytes_max) {
    // A block of exactly this size, so that AddressSanitizer detects a read beyond it.
    const std::vector<char> alone(body.begin(), body.end());
    const auto plain = inflater().inflate(encoding, {alone.data(), alone.size()}, bytes_max);
    if (plain) return std::string(*plain);
    return plain.error().code == Code::bad_encoding     ? "bad_encoding"
           : plain.error().code == Code::body_too_large ? "body_too_large"
                                                        : "another code";
}

std::string letters(Random& random, size_t size, size_t alphabet) {
    std::string text(size, '\0');
    for (char& letter : text) letter = static_cast<char>(random.below(alphabet));
    return text;
}

size_t mallocs = 0;
size_t malloc_bytes = 0;

bool count_mallocs() {
    static const bool counting =
        __sanitizer_install_malloc_and_free_hooks != nullptr &&
        __sanitizer_install_malloc_and_free_hooks(
            [](const volatile void*, size_t bytes) { ++mallocs, malloc_bytes += bytes; },
            [](const volatile void*) {}) != 0;
    if (!counting) BOOST_TEST_MESSAGE("no sanitizer that counts allocations");
    return counting;
}

}  // namespace

namespace rollcall {

BOOST_AUTO_TEST_SUITE(decode_inflate)

BOOST_AUTO_TEST_CASE(a_header_names_one_encoding_or_none) {
    for (const std::string_view value : {"", " ", "identity", "Identity"})
        BOOST_TEST((content_encoding(value) == ContentEncoding::identity), value);
    for (const std::string_view value : {"gzip", "GZip", "x-gzip", "\tgzip "})
        BOOST_TEST((content_encoding(value) == ContentEncoding::gzip), value);
    BOOST_TEST((content_encoding("Deflate") == ContentEncoding::deflate));
    BOOST_TEST((content_encoding("zstd") == ContentEncoding::zstd));
    for (const std::string_view value : {"br", "gzip, gzip", "gzip,", "gzip zstd", "gzi", "gzipp",
                                         "x-zstd", "compress", "x\rgzip"})
        BOOST_TEST(!content_encoding(value).has_value(), value);
}

BOOST_AUTO_TEST_CASE(what_was_compressed_comes_back) {
    Random random("what_was_compressed_comes_back");
    for (const size_t size : {0, 1, 2, 100, 1000, 65535, 65536, 65537, 200000})
        for (const size_t alphabet : {2, 26, 256}) {
            const std::string text = letters(random, size, alphabet);
            for (const Format& format : formats)
                BOOST_TEST((inflated(format.encoding, format.compress(text)) == text),
                           format.name << " " << size << " of " << alphabet);
            for (const int level : {0, 1, 9}) {
                BOOST_TEST(
                    (inflated(ContentEncoding::gzip, zlib_written(text, 15 + 16, level)) == text));
                BOOST_TEST(
                    (inflated(ContentEncoding::deflate, zlib_written(text, -9, level)) == text));
                BOOST_TEST((inflated(ContentEncoding::zstd, zstd(text, 2 * level + 1, 0)) == text));
            }
        }
}

BOOST_AUTO_TEST_CASE(a_router_s_body_of_the_corpus_becomes_its_json) {
    std::ifstream stream(ROLLCALL_SOURCE_DIR "/tests/corpus/37-gzip-body.json.gz",
                         std::ios::binary);
    const std::string body{std::istreambuf_iterator<char>(stream),
                           std::istreambuf_iterator<char>()};
    BOOST_TEST(inflated(ContentEncoding::gzip, body) ==
               R"({"identity":"gz","serial":"HG709X1Y2Z3","cpu_count":4,"cpu_load":11,)"
               R"("uptime":"1w2d03:04:05"})");
}

BOOST_AUTO_TEST_CASE(empty_and_not_encoded_bodies_stay_as_they_are) {
    for (const Format& format : formats) BOOST_TEST(inflated(format.encoding, "") == "");
    const std::string body = gzip(report);
    BOOST_TEST(inflater().inflate(ContentEncoding::identity, body, 0)->data() == body.data());
}

BOOST_AUTO_TEST_CASE(bytes_behind_the_plain_body_are_readable) {
    Inflater small(report.size());
    for (const Format& format : formats) {
        const auto plain = small.inflate(format.encoding, format.compress(report), report.size());
        BOOST_REQUIRE(plain.has_value());
        BOOST_TEST(std::string(plain->data(), plain->size() + body_padding).starts_with(report));
    }
}

BOOST_AUTO_TEST_CASE(members_and_frames_one_after_the_other_are_one_body) {
    BOOST_TEST(inflated(ContentEncoding::gzip, gzip("one,") + gzip("") + gzip("two")) == "one,two");
    BOOST_TEST(inflated(ContentEncoding::zstd, zstd("one,") + zstd("") + zstd("two")) == "one,two");
    BOOST_TEST(inflated(ContentEncoding::zstd, skippable(3) + zstd("one") + skippable(0)) == "one");
    // The limit applies to all members of a gzip body together, and to all frames of a zstd body.
    std::string gzips;
    std::string frames;
    for (int i = 0; i < 10; ++i) gzips += gzip(report), frames += zstd(report);
    const size_t size = 10 * report.size();
    BOOST_TEST(inflated(ContentEncoding::gzip, gzips, size).size() == size);
    BOOST_TEST(inflated(ContentEncoding::zstd, frames, size).size() == size);
    BOOST_TEST(inflated(ContentEncoding::gzip, gzips, size - 1) == "body_too_large");
    BOOST_TEST(inflated(ContentEncoding::zstd, frames, size - 1) == "body_too_large");
}

BOOST_AUTO_TEST_CASE(a_body_with_anything_behind_it_is_refused) {
    for (const Format& format : formats)
        for (const std::string& behind : {"\0"s, "x"s, "\x1F"s, "\x1F\x8B"s, "\x28\xB5\x2F\xFD"s,
                                          report, std::string(64, '\0')})
            BOOST_TEST(inflated(format.encoding, format.compress(report) + behind) ==
                       "bad_encoding");
    BOOST_TEST(inflated(ContentEncoding::deflate, zlib(report) + zlib(report)) == "bad_encoding");
}

BOOST_AUTO_TEST_CASE(a_body_cut_anywhere_is_refused) {
    for (const Format& format : formats) {
        const std::string whole = format.compress(report);
        for (size_t size = 1; size < whole.size(); ++size)
            BOOST_TEST(inflated(format.encoding, whole.substr(0, size)) == "bad_encoding",
                       format.name << " " << size);
        // A body that lacks its last byte must also be refused if its text has the maximum size.
        BOOST_TEST(inflated(format.encoding, whole.substr(0, whole.size() - 1), report.size()) ==
                   "bad_encoding");
    }
}

BOOST_AUTO_TEST_CASE(no_wrong_byte_gives_a_wrong_text) {
    for (const Format& format : formats) {
        if (format.compress == raw_deflate) continue;  // This format has no checksum.
        const std::string whole = format.compress(report);
        for (size_t at = 0; at < whole.size(); ++at)
            for (int change = 1; change < 256; ++change) {
                std::string wrong = whole;
                wrong[at] = static_cast<char>(wrong[at] ^ change);
                const std::string plain = inflated(format.encoding, wrong);
                // A changed header field, such as the time, does not change the text.
                BOOST_TEST(
                    (plain == "bad_encoding" || plain == "body_too_large" || plain == report),
                    format.name << " " << at << " " << change << " " << plain);
            }
    }
}

BOOST_AUTO_TEST_CASE(wrong_checksums_and_lengths_are_refused) {
    for (const Format& format : formats) {
        if (format.compress == raw_deflate) continue;
        const std::string whole = format.compress(report);
        const size_t trailer = format.encoding == ContentEncoding::gzip ? 8 : 4;
        for (size_t at = whole.size() - trailer; at < whole.size(); ++at) {
            std::string wrong = whole;
            wrong[at] = static_cast<char>(~wrong[at]);
            BOOST_TEST(inflated(format.encoding, wrong) == "bad_encoding", format.name);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_body_of_another_format_is_refused) {
    for (const Format& said : formats)
        for (const Format& sent : formats)
            if (said.encoding != sent.encoding)
                BOOST_TEST(inflated(said.encoding, sent.compress(report)) == "bad_encoding",
                           sent.name << " as " << said.name);
    for (const Format& said : formats)
        BOOST_TEST(inflated(said.encoding, report) == "bad_encoding", said.name);
    // A frame of zstd 0.7, whose format is not that of RFC 8878. Debian's libzstd could read it, so
    // the Inflater itself must refuse it.
    BOOST_TEST(inflated(ContentEncoding::zstd, "\x27\xB5\x2F\xFD\0\x38\x40\0\3one\xC0\0\0"s) ==
               "bad_encoding");
}

BOOST_AUTO_TEST_CASE(random_bytes_never_pass_the_limit) {
    Random random("random_bytes_never_pass_the_limit");
    for (int i = 0; i < 20000; ++i) {
        const Format& format = formats[random.below(formats.size())];
        std::string body = letters(random, random.below(100), 256);
        if (random.below(2) == 0) body.insert(0, format.compress(report), 0, 12);
        const auto plain = inflater().inflate(format.encoding, body, 1000);
        BOOST_REQUIRE((plain ? plain->size() <= 1000 : plain.error().action() == Action::reject));
    }
}

BOOST_AUTO_TEST_CASE(the_limit_is_exact) {
    Random random("the_limit_is_exact");
    for (const size_t size : {1, 1000, 65536, 131072, 300000}) {
        const std::string text = letters(random, size, 16);
        for (const Format& format : formats) {
            const std::string body = format.compress(text);
            BOOST_TEST((inflated(format.encoding, body, size) == text), format.name << size);
            BOOST_TEST(inflated(format.encoding, body, size - 1) == "body_too_large",
                       format.name << size);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_bomb_stops_at_the_limit_and_writes_nothing_beyond) {
    std::string zeros;
    zeros.resize(10'000'000);
    // The test first fills the output buffer with `x`, to see later which bytes the bomb has
    // overwritten.
    const std::string text(plain_bytes_max, 'x');
    const std::string xs = zstd(text) + skippable(plain_bytes_max / Inflater::ratio_max);
    for (const Format& format : formats) {
        const std::string bomb =
            format.encoding == ContentEncoding::zstd ? zstd_zeros(2500) : format.compress(zeros);
        BOOST_TEST(bomb.size() < 10100);
        for (const size_t bytes_max : {0, 1, 1000, 65536, 200000}) {
            const auto before = inflater().inflate(ContentEncoding::zstd, xs, plain_bytes_max);
            BOOST_REQUIRE((before && *before == text));
            const std::string_view beyond = before->substr(bytes_max + 1);
            BOOST_TEST(inflated(format.encoding, bomb, bytes_max) == "body_too_large");
            BOOST_TEST((beyond.find_first_not_of('x') == beyond.npos), format.name);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_large_body_is_at_most_two_hundred_times_what_was_sent) {
    for (const Format& format : formats) {
        const std::string free(Inflater::ratio_free_bytes, 'a');
        BOOST_TEST((inflated(format.encoding, format.compress(free)) == free), format.name);
        BOOST_TEST(inflated(format.encoding, format.compress(free + "a")) == "body_too_large",
                   format.name);
    }
    const std::string frame = zstd_zeros(1);
    const size_t needed = 131072 / Inflater::ratio_max + 1 - frame.size() - skippable(0).size();
    BOOST_TEST(inflated(ContentEncoding::zstd, frame + skippable(needed)).size() == 131072U);
    BOOST_TEST(inflated(ContentEncoding::zstd, frame + skippable(needed - 1)) == "body_too_large");
}

BOOST_AUTO_TEST_CASE(what_needs_a_dictionary_is_refused) {
    // RFC 1950: the flag FDICT in a header with a valid check value, then the dictionary's id.
    BOOST_TEST(inflated(ContentEncoding::deflate, "\x78\xBB\0\0\0\1"s + zlib(report).substr(2)) ==
               "bad_encoding");
    // RFC 8878: the frame has one byte of dictionary id after its window.
    std::string frame = zstd_zeros(1);
    frame[4] = 1;
    frame.insert(6, 1, '\7');
    BOOST_TEST(inflated(ContentEncoding::zstd, frame) == "bad_encoding");
}

BOOST_AUTO_TEST_CASE(a_window_that_is_not_allowed_is_refused) {
    std::string body = zlib(report);
    body[0] = '\x88';  // Window of 2^16; the maximum of RFC 1950 is 2^15.
    body[1] = '\x1C';
    BOOST_TEST(inflated(ContentEncoding::deflate, body) == "bad_encoding");
    // A match that begins before the start of the text: fixed codes, length 3, distance 1.
    BOOST_TEST(inflated(ContentEncoding::deflate, "\x03\x02\0"s) == "bad_encoding");
    BOOST_TEST(inflated(ContentEncoding::zstd, zstd_zeros(1, 41)) == "bad_encoding");
}

BOOST_AUTO_TEST_CASE(a_window_costs_no_memory_whatever_its_size) {
    const bool counting = count_mallocs();
    const std::string body = zstd_zeros(1, 31) + skippable(1000);
    const size_t before = malloc_bytes;
    BOOST_TEST(inflater().inflate(ContentEncoding::zstd, body, plain_bytes_max)->size() == 131072U);
    BOOST_TEST(malloc_bytes == before);
    BOOST_TEST((!counting || before > 0));
}

BOOST_AUTO_TEST_CASE(nothing_is_allocated_for_a_body) {
    const bool counting = count_mallocs();
    Random random("nothing_is_allocated_for_a_body");
    std::vector<std::pair<ContentEncoding, std::string>> bodies;
    for (const size_t size : {10, 1000, 70000, 500000})
        for (const Format& format : formats) {
            const std::string body = format.compress(letters(random, size, 64));
            bodies.emplace_back(format.encoding, body);
            bodies.emplace_back(format.encoding, body.substr(0, body.size() - 1));
            bodies.emplace_back(format.encoding, body.substr(0, body.size() / 2));
            bodies.emplace_back(format.encoding, body + body);
        }
    Inflater fresh(plain_bytes_max);
    const auto take_all = [&] {
        for (const auto& [encoding, body] : bodies)
            (void)fresh.inflate(encoding, body, plain_bytes_max);
    };
    const size_t none = mallocs;
    take_all();
    const size_t first = mallocs;
    BOOST_TEST(first - none <= 1);  // Only zlib's window may be allocated.
    take_all();
    BOOST_TEST(mallocs == first);
    BOOST_TEST((!counting || none > 0));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
