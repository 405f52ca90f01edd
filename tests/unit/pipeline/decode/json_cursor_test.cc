#include "pipeline/decode/json_cursor.h"

#include <fmt/core.h>

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "tests/support/report.h"

using namespace rollcall;

namespace {

// Returns "ok", or for example "malformed_json at 17". Quotes follow the text in memory; the cursor
// must ignore them.
std::string walked(std::string_view text) {
    const Body body(text);
    JsonCursor cursor(body.view());
    if (!cursor.skip()) {
        cursor = cursor.stop();
    } else if (cursor.finish()) {
        return "ok";
    }
    const Error fault = cursor.fault(body.view().data());
    return fmt::format("{} at {}", to_text(fault.code), fault.offset);
}

std::string unescaped(std::string_view raw) {
    std::string text;
    json_unescape(raw, text);
    return text;
}

struct Example {
    std::string text;
    std::string outcome;
};

std::string nested(size_t depth, std::string_view core) {
    return std::string(depth, '[') + std::string(core) + std::string(depth, ']');
}

}  // namespace

BOOST_AUTO_TEST_SUITE(decode_json_cursor)

BOOST_AUTO_TEST_CASE(what_the_rfc_allows_is_taken) {
    for (const std::string text :
         {"{}", " [ ] ", R"({"a":1,"b":[true,false,null,{}],"c":{"d":"e"}})", "0", "-0.5e-10",
          R"("\"\\\/\b\f\n\r\t\u00e9\ud83d\udce1")", "[1E+5,10,1.25]", "\t{\r\n}\n",
          "18446744073709551615", "-9223372036854775808", "\"é☕\""})
        BOOST_TEST(walked(text) == "ok", text);
}

BOOST_AUTO_TEST_CASE(integer_of_every_length_is_read_exactly_and_ends_at_the_end_of_the_text) {
    const std::string digits = "9081726354463728190" + std::string(body_padding, '5');
    for (size_t size = 1; size <= 18; ++size) {
        for (const std::string_view sign : {"", "-"}) {
            const std::string number = std::string(sign) + digits;
            const std::string_view text(number.data(), sign.size() + size);
            JsonCursor cursor(text);
            JsonNumber read;
            BOOST_TEST(cursor.number(read), text);
            BOOST_TEST(read.exact, text);
            BOOST_TEST(read.lexeme == text);
            BOOST_TEST(read.integer == std::stoll(std::string(text)));
            BOOST_TEST(cursor.finish(), text);
        }
    }
}

BOOST_AUTO_TEST_CASE(integer_ends_at_any_byte_that_is_not_a_digit) {
    for (int byte = 0; byte < 256; ++byte) {
        if (is_digit(static_cast<char>(byte))) continue;
        for (const std::string digits : {"7", "1234567", "12345678", "123456789"}) {
            const std::string text =
                digits + static_cast<char>(byte) + std::string(body_padding, '5');
            uint64_t value = 0;
            const char* const end = json_digits(text.data(), text.data() + text.size(), value);
            BOOST_TEST(end - text.data() == static_cast<ptrdiff_t>(digits.size()), byte);
            BOOST_TEST(value == std::stoull(digits));
        }
    }
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
    for (const auto& [text, outcome] : examples) BOOST_TEST(walked(text) == outcome, text);
}

BOOST_AUTO_TEST_CASE(more_after_the_value_is_told_apart) {
    BOOST_TEST(walked("{}{}") == "trailing_data at 2");
    BOOST_TEST(walked("{} \n x") == "trailing_data at 5");
    BOOST_TEST(walked("[]]") == "trailing_data at 2");
    BOOST_TEST(walked("1 2") == "trailing_data at 2");
}

BOOST_AUTO_TEST_CASE(the_bracket_that_goes_too_deep_is_found) {
    const std::string deep = nested(json_depth_max, "1");
    BOOST_TEST(walked(deep) == "ok");
    BOOST_TEST(walked(nested(json_depth_max + 1, "1")) == "too_deep at 32");
    BOOST_TEST(walked(std::string(100'000, '[')) == "too_deep at 32");
    BOOST_TEST(walked(std::string(json_depth_max, '[') + "{\"a\":1") == "too_deep at 32");
}

BOOST_AUTO_TEST_CASE(numbers_that_no_type_holds_are_json) {
    for (const std::string text :
         {"[1e400,-1E+999]", "18446744073709551616", "-9223372036854775809"})
        BOOST_TEST(walked(text) == "ok", text);
}

BOOST_AUTO_TEST_CASE(escapes_stand_for_their_characters) {
    BOOST_TEST(unescaped(R"(a\"\\\/\b\f\n\r\tz)") == "a\"\\/\b\f\n\r\tz");
    BOOST_TEST(unescaped(R"(caf\u00e9 \u20AC \ud83d\udce1)") == "café € 📡");
}

BOOST_AUTO_TEST_CASE(half_a_pair_is_the_replacement_character) {
    BOOST_TEST(unescaped(R"(\ud800)") == "\uFFFD");
    BOOST_TEST(unescaped(R"(\udc00x)") == "\uFFFDx");
    BOOST_TEST(unescaped(R"(\ud83d\ud83d\udce1)") == "\uFFFD📡");
    BOOST_TEST(unescaped(R"(\ud83d\u0041)") == "\uFFFDA");
    BOOST_TEST(unescaped(R"(\ud83d\n)") == "\uFFFD\n");
}

BOOST_AUTO_TEST_SUITE_END()
