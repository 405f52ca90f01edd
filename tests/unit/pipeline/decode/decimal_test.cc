#include "pipeline/decode/decimal.h"

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/support/random.h"

using namespace rollcall;

namespace {

// As text, so that it tells -0 from 0; then what is left of the text.
std::string read(std::string_view text) {
    double number = 0;
    const auto [end, error] = read_decimal(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return "out of range";
    return std::to_string(number) + "|" +
           std::string(end, static_cast<size_t>(text.data() + text.size() - end));
}

double number(const std::string& text) {
    double number = 0;
    const auto [end, error] = read_decimal(text.data(), text.data() + text.size(), number);
    BOOST_TEST((error == std::errc{}), text);
    BOOST_TEST(end == text.data() + text.size(), text);
    return number;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(decode_decimal)

BOOST_AUTO_TEST_CASE(a_number_is_the_nearest_double) {
    for (const std::string text :
         {"24.1", "-0.1", "50.800000", "0.000001", "123456789.012345", "9007199254740993.0", "1e22",
          "1.7976931348623157e308", "5e-324", "2.2250738585072011e-308", "7.20", "-0.0",
          "999999999999999", "1234567890123456", "0.000000000000001", "1e0"})
        BOOST_TEST(number(text) == std::strtod(text.c_str(), nullptr), text);
}

BOOST_AUTO_TEST_CASE(random_decimals_are_the_nearest_double) {
    Random random("random_decimals_are_the_nearest_double");
    for (int i = 0; i < 20'000; ++i) {
        std::string text = std::to_string(random.below(1'000'000'000));
        text.insert(1 + random.below(text.size()), ".");
        if (text.back() == '.') text += '5';
        BOOST_TEST(number(text) == std::strtod(text.c_str(), nullptr), text);
    }
}

BOOST_AUTO_TEST_CASE(it_ends_where_the_library_ends) {
    BOOST_TEST(read("24.1V") == "24.100000|V");
    BOOST_TEST(read("7%") == "7.000000|%");
    BOOST_TEST(read("1.2.3") == "1.200000|.3");
    BOOST_TEST(read("1e") == "1.000000|e");
    BOOST_TEST(read("-0") == "-0.000000|");
    BOOST_TEST(read("5.") == "5.000000|");
    BOOST_TEST(read("5.x") == "5.000000|x");
    BOOST_TEST(read("1e400") == "out of range");
}

BOOST_AUTO_TEST_SUITE_END()
