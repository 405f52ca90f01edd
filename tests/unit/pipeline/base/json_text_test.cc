#include "pipeline/base/json_text.h"

#include <boost/test/unit_test.hpp>

namespace rollcall::testing {

BOOST_AUTO_TEST_SUITE(base_json_text)

BOOST_AUTO_TEST_CASE(quotes_backslashes_and_control_characters_are_escaped) {
    BOOST_TEST(json_text("") == R"("")");
    BOOST_TEST(json_text(R"(a "b" \c)") == R"("a \"b\" \\c")");
    BOOST_TEST(json_text(std::string_view("\0\n\x1f", 3)) == R"("\u0000\u000a\u001f")");
    BOOST_TEST(json_text("Z\u00fcrich") == "\"Z\u00fcrich\"");
}

BOOST_AUTO_TEST_CASE(bytes_that_are_not_utf_8_become_utf_8) {
    BOOST_TEST(json_text("Z\xfcrich") == "\"Z\u00fcrich\"");
    BOOST_TEST(json_text("a\xff\"") == "\"a\u00ff\\\"\"");
}

BOOST_AUTO_TEST_CASE(text_is_appended) {
    std::string out = "a:";
    append_json_text("b", out);
    BOOST_TEST(out == R"(a:"b")");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall::testing
