#include "pipeline/decode/folded_name.h"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace rollcall;

BOOST_AUTO_TEST_SUITE(decode_folded_name)

BOOST_AUTO_TEST_CASE(case_and_separators_do_not_count) {
    for (const std::string_view name : {"cpu-count", "cpu_count", "cpuCount", "CPU Count",
                                        "cpu.count", "cpu:count", "cpu/count", "\tcpu\r\ncount "})
        BOOST_TEST(FoldedName(name).view() == "cpucount", name);
    BOOST_TEST(FoldedName("cpu", "count").view() == "cpucount");
    BOOST_TEST(FoldedName("").view().empty());
    BOOST_TEST(FoldedName("caf\u00e9 #1").view() == "caf\u00e9#1");
}

// A NUL in a name becomes the byte 1, so it cannot end the name early.
BOOST_AUTO_TEST_CASE(a_nul_is_no_end) {
    BOOST_TEST(FoldedName(std::string_view("a\0b", 3)).view() ==
               "a\x01"
               "b");
}

BOOST_AUTO_TEST_CASE(a_long_name_is_cut) {
    const std::string longest(FoldedName::bytes_max, 'a');
    BOOST_TEST(FoldedName(longest).view() == longest);
    BOOST_TEST(!FoldedName(longest).is_longer());
    BOOST_TEST(!FoldedName(longest + "-._").is_longer());
    BOOST_TEST(FoldedName(longest + "a").view() == longest);
    BOOST_TEST(FoldedName(longest + "a").is_longer());
    BOOST_TEST(FoldedName(longest, "a").is_longer());
}

BOOST_AUTO_TEST_CASE(the_classes_of_the_characters_are_known) {
    BOOST_TEST(FoldedName("wpa2.pre-shared_key").is_plain());
    for (const std::string_view name : {"", "a b", "caf\u00e9", "a/b", "a\tb", "a:b"})
        BOOST_TEST(!FoldedName(name).is_plain(), name);
    BOOST_TEST(FoldedName("a b/c:d\te-").has_only_letters());
    BOOST_TEST(!FoldedName("a#b").has_only_letters());
    BOOST_TEST(FoldedName("a\tb").has_breaks());
    BOOST_TEST(!FoldedName("a b").has_breaks());
}

BOOST_AUTO_TEST_CASE(a_word_has_zeros_behind_the_end) {
    const FoldedName name("AB_c");
    BOOST_TEST(name.word(0) == 0x636261);
    BOOST_TEST(name.word(2) == 0x63);
    BOOST_TEST(name.word(3) == 0);
    static_assert(FoldedName("AB_c").word(1) == 0x6362);
    BOOST_TEST(FoldedName(std::string(FoldedName::bytes_max, 'a')).word(FoldedName::bytes_max) ==
               0);
}

BOOST_AUTO_TEST_SUITE_END()
