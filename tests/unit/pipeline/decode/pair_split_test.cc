#include "pipeline/decode/pair_split.h"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace rollcall;

namespace {

// Returns the pairs of a list as "key>value|key>value", and other parts in parentheses.
std::string pairs_of(std::string_view list) {
    Dictionary dictionary;
    const Separators by = separators_of(list, dictionary);
    std::string text;
    while (!list.empty()) {
        const Part part = first_part(list, by);
        list.remove_prefix(part.end);
        if (!text.empty()) text += '|';
        if (part.equals == list.npos) {
            text.append("(").append(part.text).append(")");
        } else {
            text.append(part.text.substr(0, part.equals)).append(">").append(part.value);
        }
    }
    return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(decode_pair_split)

BOOST_AUTO_TEST_CASE(the_form_of_a_list_tells_its_separators) {
    const std::string expected = "name>a b|cpu-load>7|uptime>1d";
    for (const std::string_view list :
         {"name=a b;cpu-load=7;uptime=1d", "name=a b\ncpu-load=7\nuptime=1d",
          "name=a b,cpu-load=7,uptime=1d", "name=a b cpu-load=7 uptime=1d",
          "name:a b;cpu-load:7;uptime:1d", "name:a b\ncpu-load:7\nuptime:1d"})
        BOOST_TEST(pairs_of(list) == expected, list);
    BOOST_TEST(pairs_of("name: a\nuptime: 01:02:03\ncomment: x=y") ==
               "name> a|uptime> 01:02:03|comment> x=y");
}

BOOST_AUTO_TEST_CASE(the_first_separator_behind_the_first_delimiter_counts) {
    BOOST_TEST(pairs_of("name=a\ndns=1.1.1.1;8.8.8.8\nuptime=1d") ==
               "name>a|dns>1.1.1.1;8.8.8.8|uptime>1d");
    BOOST_TEST(pairs_of("name=a;comment=two\nlines;uptime=1d") ==
               "name>a|comment>two\nlines|uptime>1d");
}

BOOST_AUTO_TEST_CASE(commas_and_spaces_in_values_separate_nothing) {
    BOOST_TEST(pairs_of("mem=1,2,cpu=7") == "mem>1,2|cpu>7");
    BOOST_TEST(pairs_of("name=My Router Name") == "name>My Router Name");
    BOOST_TEST(pairs_of("version=7.16.2 (stable) uptime=1d") ==
               "version>7.16.2 (stable)|uptime>1d");
    BOOST_TEST(pairs_of("name=a b=c") == "name>a b=c");
}

BOOST_AUTO_TEST_CASE(quotes_around_a_value_are_taken_off_with_what_they_protect) {
    BOOST_TEST(pairs_of(R"(name="a;b=c";uptime=1d)") == "name>a;b=c|uptime>1d");
    BOOST_TEST(pairs_of(R"(name="core 1" uptime="1d")") == "name>core 1|uptime>1d");
    BOOST_TEST(pairs_of(R"(name="a \"b\" c";uptime=1d)") == R"(name>a \"b\" c|uptime>1d)");
    BOOST_TEST(pairs_of(R"(name="half;uptime=1d)") == R"(name>"half|uptime>1d)");
    BOOST_TEST(pairs_of(R"(name=5" disk;uptime=1d)") == R"(name>5" disk|uptime>1d)");
    BOOST_TEST(pairs_of(R"(name="")") == "name>");
}

BOOST_AUTO_TEST_CASE(what_is_no_pair_is_a_part_of_its_own) {
    BOOST_TEST(pairs_of("a;b=c;d") == "(a)|b>c|(d)");
    BOOST_TEST(pairs_of("") == "");
    BOOST_TEST(pairs_of("=") == ">");
    BOOST_TEST(pairs_of("a=;b=") == "a>|b>");
}

BOOST_AUTO_TEST_SUITE_END()
