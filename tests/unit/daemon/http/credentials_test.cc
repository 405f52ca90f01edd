#include "daemon/http/credentials.h"

#include <boost/test/unit_test.hpp>

namespace rollcall {

namespace {

struct PresentedFixture {
    // Returns "SITE|TOKEN", or the name of the error code.
    std::string in(std::string_view authorization, std::string_view fields = "",
                   std::string_view target = "/poll") {
        HttpHead head;
        head.authorization = authorization;
        head.fields = fields;
        head.target = target;
        const auto presented = credential_in(head, settings, buffer);
        if (!presented) return std::string(to_text(presented.error().code));
        return std::string(presented->site).append("|").append(presented->token);
    }

    Settings settings;
    std::string buffer;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(http_credentials, PresentedFixture)

BOOST_AUTO_TEST_CASE(nothing_is_presented_where_nothing_is) {
    BOOST_TEST(in("") == "|");
    BOOST_TEST(in("", "Host: x\r\n", "/poll?a=b&keys=c&login2=d") == "|");
    BOOST_TEST(in("", "", "/poll?") == "|");
}

BOOST_AUTO_TEST_CASE(bearer_token_is_taken_as_it_is) {
    BOOST_TEST(in("Bearer abc.d-e_f") == "|abc.d-e_f");
    BOOST_TEST(in("bearer  abc ") == "|abc");
}

// The first value is the example of RFC 7617, section 2.
BOOST_AUTO_TEST_CASE(basic_is_site_and_token_or_a_token_alone) {
    BOOST_TEST(in("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==") == "Aladdin|open sesame");
    BOOST_TEST(in("BASIC dG9rZW46") == "|token");
    BOOST_TEST(in("Basic czE6YTpi") == "s1|a:b");
    BOOST_TEST(in("Basic OnRva2Vu") == "|token");
}

BOOST_AUTO_TEST_CASE(authorization_of_another_kind_is_wrong_and_nothing_else_counts) {
    for (const char* wrong : {"Bearer", "Bearer ", "Basic", "Basic x", "Basic QQ==", "Digest a=b",
                              "abc", " ", "Basic dG9rZW4", "two"})
        BOOST_TEST(in(wrong, "X-Rollcall-Token: t\r\n", "/poll?key=k") == "bad_credential", wrong);
}

BOOST_AUTO_TEST_CASE(header_fields_have_the_names_of_the_settings_in_any_case) {
    BOOST_TEST(in("", "X-ROLLCALL-token:\t t1 \r\nx-rollcall-site: s1\r\n") == "s1|t1");
    settings.auth.token_header = "X-NSM-Device-Secret";
    settings.auth.site_header = "X-NSM-Device-ID";
    BOOST_TEST(in("", "X-NSM-Device-ID: d\r\nX-NSM-Device-Secret: s\r\nX-Rollcall-Token: t\r\n") ==
               "d|s");
    settings.auth.token_header = "";
    BOOST_TEST(in("", ": t\r\nX-NSM-Device-Secret: s\r\n") == "|");
}

BOOST_AUTO_TEST_CASE(field_that_comes_twice_is_none) {
    BOOST_TEST(in("", "X-Rollcall-Token: a\r\nX-Rollcall-Token: b\r\n") == "|");
}

BOOST_AUTO_TEST_CASE(bearer_token_may_have_its_site_beside_it) {
    BOOST_TEST(in("Bearer t", "X-Rollcall-Site: s1\r\n") == "s1|t");
}

BOOST_AUTO_TEST_CASE(query_has_the_keys_of_the_settings_percent_encoded_or_not) {
    BOOST_TEST(in("", "", "/update?login=4c:5e:0c&key=k1") == "4c:5e:0c|k1");
    BOOST_TEST(in("", "", "/update?a=b&key=k%2B1%&login=4c%3A5e") == "4c:5e|k+1%");
    BOOST_TEST(in("", "", "/update?login=4c:5e") == "4c:5e|");
    settings.auth.token_query = "secret";
    BOOST_TEST(in("", "", "/update?key=a&secret=b") == "|b");
    settings.auth.token_query = "";
    BOOST_TEST(in("", "", "/update?=a&secret=b") == "|");
}

BOOST_AUTO_TEST_CASE(query_is_kept_without_the_token) {
    BOOST_TEST(without_token("login=a&key=b&c=d", settings) == "login=a&c=d");
    BOOST_TEST(without_token("key=b", settings) == "");
    BOOST_TEST(without_token("key", settings) == "");
    BOOST_TEST(without_token("a=b&key=c&key=d", settings) == "a=b");
    BOOST_TEST(without_token("", settings) == "");
    settings.auth.token_query = "";
    BOOST_TEST(without_token("a=b&key=c", settings) == "a=b&key=c");
}

BOOST_AUTO_TEST_CASE(fields_for_credentials_are_known) {
    BOOST_TEST(is_credential_field("x-rollcall-token", settings));
    BOOST_TEST(is_credential_field("X-Rollcall-Site", settings));
    BOOST_TEST(!is_credential_field("X-Rollcall-Cpu", settings));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
