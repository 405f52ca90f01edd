#include "pipeline/json_fault.h"

#include <fmt/format.h>

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

using namespace rollcall;

namespace {

// "ok: " and the text as it is left, or "malformed_json at 17".
std::string mended(std::string text) {
    const auto result = mend_json(text);
    if (result) return "ok: " + text;
    return fmt::format("{} at {}", to_text(result.error().code), result.error().offset);
}

struct Example {
    std::string text;
    std::string outcome;
};

std::string nested(size_t depth, std::string_view core) {
    return std::string(depth, '[') + std::string(core) + std::string(depth, ']');
}

}  // namespace

BOOST_AUTO_TEST_SUITE(json_fault)

BOOST_AUTO_TEST_CASE(json_is_left_as_it_is) {
    for (const std::string text :
         {"{}", " [ ] ", R"({"a":1,"b":[true,false,null,{}],"c":{"d":"e"}})", "0", "-0.5e-10",
          R"("\"\\\/\b\f\n\r\t\u00e9\ud83d\udce1")", "[1E+5,10,1.25]", "\t{\r\n}\n",
          "18446744073709551615", "-9223372036854775808", "\"é☕\""})
        BOOST_TEST(mended(text) == "ok: " + text);
}

BOOST_AUTO_TEST_CASE(the_first_bad_byte_is_found) {
    const std::vector<Example> examples = {
        {"", "malformed_json at 0"},
        {"{", "malformed_json at 1"},
        {R"({"a")", "malformed_json at 4"},
        {R"({"a":)", "malformed_json at 5"},
        {R"({"a":})", "malformed_json at 5"},
        {R"({"a":1,})", "malformed_json at 7"},
        {R"({"a":1 "b":2})", "malformed_json at 7"},
        {R"({a:1})", "malformed_json at 1"},
        {R"([1,])", "malformed_json at 3"},
        {R"([,])", "malformed_json at 1"},
        {R"([1})", "malformed_json at 2"},
        {R"(["abc)", "malformed_json at 5"},
        {"[\"a\tb\"]", "malformed_json at 3"},
        {R"(["\x"])", "malformed_json at 3"},
        {R"(["\u12g4"])", "malformed_json at 6"},
        {R"(["\ud83d\u12)", "malformed_json at 12"},
        {R"([tru])", "malformed_json at 4"},
        {R"([NaN])", "malformed_json at 1"},
        {R"([-])", "malformed_json at 2"},
        {R"([01])", "malformed_json at 2"},
        {R"([1.])", "malformed_json at 3"},
        {R"([.5])", "malformed_json at 1"},
        {R"([1e])", "malformed_json at 3"},
        {R"([+1])", "malformed_json at 1"},
        {R"({"uptime":1w2d})", "malformed_json at 11"},
        {R"({"n":"Joe's "Big" Shop"})", "malformed_json at 13"},
    };
    for (const auto& [text, outcome] : examples) BOOST_TEST(mended(text) == outcome, text);
}

BOOST_AUTO_TEST_CASE(more_after_the_value_is_told_apart) {
    BOOST_TEST(mended("{}{}") == "trailing_data at 2");
    BOOST_TEST(mended("{} \n x") == "trailing_data at 5");
    BOOST_TEST(mended("[]]") == "trailing_data at 2");
    BOOST_TEST(mended("1 2") == "trailing_data at 2");
}

BOOST_AUTO_TEST_CASE(the_bracket_that_goes_too_deep_is_found) {
    const std::string deep = nested(json_depth_max, "1");
    BOOST_TEST(mended(deep) == "ok: " + deep);
    BOOST_TEST(mended(nested(json_depth_max + 1, "1")) == "too_deep at 32");
    BOOST_TEST(mended(std::string(100'000, '[')) == "too_deep at 32");
    BOOST_TEST(mended(std::string(json_depth_max, '[') + "{\"a\":1") == "too_deep at 32");
}

BOOST_AUTO_TEST_CASE(numbers_that_no_64_bits_hold_become_null) {
    BOOST_TEST(mended("[1e400,-1E+999]") == "ok: [null ,null   ]");
    BOOST_TEST(mended("{\"a\":18446744073709551616}") == "ok: {\"a\":null                }");
    BOOST_TEST(mended("[-9223372036854775809]") == "ok: [null                ]");
}

BOOST_AUTO_TEST_CASE(half_a_pair_becomes_the_replacement_character) {
    BOOST_TEST(mended(R"("\ud800")") == R"(ok: "\ufffd")");
    BOOST_TEST(mended(R"("\udc00x")") == R"(ok: "\ufffdx")");
    BOOST_TEST(mended(R"("\ud83d\ud83d\udce1")") == R"(ok: "\ufffd\ud83d\udce1")");
    BOOST_TEST(mended(R"("\ud83d\u0041")") == R"(ok: "\ufffd\u0041")");
    BOOST_TEST(mended(R"("\ud83d\n")") == R"(ok: "\ufffd\n")");
}

BOOST_AUTO_TEST_SUITE_END()
