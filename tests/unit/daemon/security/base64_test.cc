#include "daemon/security/base64.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/random.h"

namespace rollcall {

BOOST_AUTO_TEST_SUITE(security_base64)

// RFC 4648, section 10.
BOOST_AUTO_TEST_CASE(texts_of_the_rfc_are_read) {
    BOOST_TEST(from_base64("").value() == "");
    BOOST_TEST(from_base64("Zg==").value() == "f");
    BOOST_TEST(from_base64("Zm8=").value() == "fo");
    BOOST_TEST(from_base64("Zm9v").value() == "foo");
    BOOST_TEST(from_base64("Zm9vYmFy").value() == "foobar");
}

// RFC 7515, appendix C.
BOOST_AUTO_TEST_CASE(url_alphabet_has_no_padding_and_two_different_characters) {
    const std::string bytes = "\x03\xec\xff\xe0\xc1";
    BOOST_TEST(to_base64url(bytes) == "A-z_4ME");
    BOOST_TEST(from_base64url("A-z_4ME").value() == bytes);
    BOOST_TEST(from_base64("A+z/4ME=").value() == bytes);
}

BOOST_AUTO_TEST_CASE(text_that_no_encoder_writes_is_refused) {
    for (const char* text : {"Z", "Zg", "Zg=", "Zg===", "=", "====", "Zh==", "Zm9=", "Zm9v\n",
                             " Zm9v", "Zm-v", "Zm9v====", "Zg==Zg=="})
        BOOST_TEST(!from_base64(text).has_value(), text);
    for (const char* text : {"Z", "Zg==", "Zh", "Zm9", "Zm9vZ", "Zm+v", "Zm/v", "Zm9v.", "Zm 9"})
        BOOST_TEST(!from_base64url(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(all_bytes_have_one_text_and_decode_again) {
    Random random("base64");
    for (int round = 0; round < 1000; ++round) {
        std::string bytes(random.below(70), '\0');
        for (char& byte : bytes) byte = static_cast<char>(random.below(256));
        const std::string text = to_base64url(bytes);
        BOOST_TEST_REQUIRE(from_base64url(text).value() == bytes);
        if (text.empty()) continue;
        std::string other = text;
        other[random.below(other.size())] = static_cast<char>(random.below(256));
        const auto read = from_base64url(other);
        BOOST_TEST_REQUIRE((!read || other == text || *read != bytes));
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
