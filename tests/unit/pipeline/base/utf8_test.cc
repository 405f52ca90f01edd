#include "pipeline/base/utf8.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/random.h"

using namespace rollcall;

namespace {

std::string as_utf8(std::string_view text) {
    std::string out;
    append_as_utf8(text, out);
    return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(base_utf8)

BOOST_AUTO_TEST_CASE(only_well_formed_text_is_valid) {
    for (const std::string_view text :
         {"", "plain ascii, longer than a word", "Кафе «Ёлки» №5 – Riga ☕", "\xF0\x9F\x93\xA1",
          "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF"})
        BOOST_TEST(utf8_valid(text), text);
    for (const std::string_view text :
         {"\xE5", "12345678\xE5rden", "\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80",
          "\xF4\x90\x80\x80", "\xF0\x8F\xBF\xBF", "\x80", "\xC3", "\xE2\x82", "\xF5\x80\x80\x80"})
        BOOST_TEST(!utf8_valid(text), text);
}

// The validator reads long texts in blocks, so the bad byte is placed at every offset.
BOOST_AUTO_TEST_CASE(one_bad_byte_is_found_at_every_offset) {
    for (size_t size = 1; size < 150; ++size) {
        for (size_t at = 0; at < size; ++at) {
            std::string text(size, 'a');
            BOOST_TEST_REQUIRE(utf8_valid(text));
            text[at] = '\xE5';
            BOOST_TEST_REQUIRE(!utf8_valid(text), size << " bytes, at " << at);
        }
    }
}

BOOST_AUTO_TEST_CASE(other_bytes_are_windows_1252) {
    BOOST_TEST(as_utf8("G\xE5rden \xD6stra") == "Gården Östra");
    BOOST_TEST(as_utf8("\x80 5 \x96 \x93quoted\x94") == "€ 5 – “quoted”");
    BOOST_TEST(as_utf8("Ёлки \xE5") == "Ёлки å");
    BOOST_TEST(as_utf8("\x81\x8D\x8F\x90\x9D") == "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD");
}

BOOST_AUTO_TEST_CASE(an_offset_maps_back_to_the_original_byte) {
    const std::string_view sent = "a\xE5\x80z";  // a, å (2 bytes), € (3 bytes), z
    const std::vector<size_t> before = {0, 1, 1, 2, 2, 2, 3, 4};
    for (size_t offset = 0; offset < before.size(); ++offset)
        BOOST_TEST(offset_before_utf8(sent, offset) == before[offset], offset);
}

BOOST_AUTO_TEST_CASE(a_prefix_never_cuts_a_character) {
    BOOST_TEST(utf8_prefix("abc", 3) == "abc");
    BOOST_TEST(utf8_prefix("abc", 2) == "ab");
    BOOST_TEST(utf8_prefix("aé", 2) == "a");
    BOOST_TEST(utf8_prefix("☕", 2) == "");
}

BOOST_AUTO_TEST_CASE(any_bytes_become_valid_and_valid_ones_stay) {
    Random random("any_bytes_become_valid_and_valid_ones_stay");
    for (int i = 0; i < 20000; ++i) {
        std::string bytes(random.below(20), '\0');
        for (char& byte : bytes) byte = static_cast<char>(random.below(256));
        const std::string text = as_utf8(bytes);
        BOOST_REQUIRE(utf8_valid(text));
        BOOST_REQUIRE(text.size() <= utf8_growth_max * bytes.size());
        BOOST_REQUIRE((text == bytes) == utf8_valid(bytes));
        BOOST_REQUIRE(offset_before_utf8(bytes, text.size()) == bytes.size());
        BOOST_REQUIRE(utf8_valid(utf8_prefix(text, random.below(20))));
    }
}

BOOST_AUTO_TEST_SUITE_END()
