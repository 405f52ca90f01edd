#include "pipeline/base/real.h"

#include <bit>
#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/support/random.h"

using namespace rollcall;

namespace {

void expect_as_from_chars(std::string_view text) {
    double expected = 1;
    double number = 1;
    const auto standard = std::from_chars(text.data(), text.data() + text.size(), expected);
    const auto read = read_real(text, number);
    BOOST_TEST(read.ptr - text.data() == standard.ptr - text.data(), text);
    BOOST_TEST((read.ec == standard.ec), text);
    BOOST_TEST(std::bit_cast<uint64_t>(number) == std::bit_cast<uint64_t>(expected), text);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(base_real)

BOOST_AUTO_TEST_CASE(number_is_read_as_by_the_standard_library) {
    for (const std::string_view text : {"",
                                        "-",
                                        ".",
                                        "-.5",
                                        ".5",
                                        "5.",
                                        "5.V",
                                        "0",
                                        "-0",
                                        "-0.0",
                                        "24.1",
                                        "24.1 V",
                                        "007.5",
                                        "1e3",
                                        "1E+3",
                                        "1e",
                                        "1.5e-3",
                                        "1e400",
                                        "inf",
                                        "nan",
                                        "+1",
                                        " 1",
                                        "0x1p3",
                                        "1.2.3",
                                        "12345678901234.5",
                                        "123456789012345",
                                        "1234567890123456",
                                        "0.1234567890123456",
                                        "9007199254740993",
                                        "18446744073709551616.25",
                                        "0.000000000000001"})
        expect_as_from_chars(text);
}

BOOST_AUTO_TEST_CASE(random_numbers_are_read_as_by_the_standard_library) {
    Random random("real");
    for (int i = 0; i < 200'000; ++i) {
        std::string text = random.one_in(4) ? "-" : "";
        for (uint64_t digits = random.below(12); digits > 0; --digits)
            text += static_cast<char>('0' + random.below(10));
        if (!random.one_in(4)) text += '.';
        for (uint64_t digits = random.below(12); digits > 0; --digits)
            text += static_cast<char>('0' + random.below(10));
        if (random.one_in(8)) text += "e" + std::to_string(random.below(40));
        if (random.one_in(8)) text += " V";
        expect_as_from_chars(text);
    }
}

BOOST_AUTO_TEST_SUITE_END()
