#include "pipeline/decode/charset.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/support/allocations.h"

using namespace rollcall;

BOOST_AUTO_TEST_SUITE(decode_charset)

BOOST_AUTO_TEST_CASE(a_content_type_declares_a_charset_or_none) {
    BOOST_TEST(declared_charset("application/json; charset=windows-1251") == "windows-1251");
    BOOST_TEST(declared_charset("text/plain;a=b; Charset=\"GBK\"") == "GBK");
    for (const std::string_view type : {"", "application/json", "text/plain; charset=", "charset"})
        BOOST_TEST(declared_charset(type) == "", type);
}

BOOST_AUTO_TEST_CASE(text_is_read_in_the_declared_charset) {
    struct Example {
        std::string_view charset;
        std::string_view text;
        std::string_view meaning;
    };
    CharsetReader reader;
    std::string out;
    out.reserve(100);
    for (const auto& [charset, text, meaning] :
         std::initializer_list<Example>{{"windows-1251",
                                         "\xCC\xE0\xE3 \xB9"
                                         "3",
                                         "Маг №3"},
                                        {"CP1251", "\xCC\xE0\xE3", "Маг"},
                                        {"windows-1250", "\xE8", "č"},
                                        {"koi8-r", "\xED\xC1\xC7", "Маг"},
                                        {"GBK", "\xC9\xCF\xBA\xA3", "上海"},
                                        {"gb2312", "\xC9\xCF\xBA\xA3", "上海"},
                                        {"big5", "\xA4\xA4", "中"},
                                        {"shift_jis", "\x93\x8C", "東"},
                                        {"euc-kr", "\xBC\xAD", "서"},
                                        {"iso-8859-15", "\xA4", "€"}}) {
        BOOST_TEST(reader.read(charset, text, out), charset);
        BOOST_TEST(out == meaning, charset);
    }
}

BOOST_AUTO_TEST_CASE(what_is_not_in_the_charset_is_refused) {
    CharsetReader reader;
    std::string out;
    out.reserve(100);
    BOOST_TEST(!reader.read("klingon", "a", out));
    BOOST_TEST(!reader.read("utf-8", "\xC3", out));
    BOOST_TEST(!reader.read("gbk", "\xC9", out));
    // The state of a failed conversion must not be kept.
    BOOST_TEST(reader.read("gbk", "\xC9\xCF", out));
    BOOST_TEST(out == "上");
}

BOOST_AUTO_TEST_CASE(only_the_first_text_of_a_charset_allocates) {
    CharsetReader reader;
    std::string out;
    out.reserve(100);
    for (const std::string_view charset : {"windows-1251", "gbk", "koi8-r", "big5"})
        (void)reader.read(charset, "a", out);
    const size_t before = allocations();
    for (int round = 0; round < 100; ++round)
        for (const std::string_view charset : {"windows-1251", "gbk", "koi8-r", "big5"})
            (void)reader.read(charset, "a", out);
    BOOST_TEST(allocations() == before);
}

BOOST_AUTO_TEST_SUITE_END()
