#include "daemon/http/forwarded.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/support/random.h"

namespace rollcall {

namespace {

const TrustedProxies trusted({"192.0.2.0/24", "2001:db8:1::/48"});

std::string client_in(const std::string& fields) {
    return forwarded_client(fields, trusted).data();
}

// Returns the client that one field X-Forwarded-For names.
std::string by_x(const std::string& value) {
    return client_in("Host: r\r\nX-Forwarded-For: " + value + "\r\nAccept: */*\r\n");
}

// Returns the client that one field Forwarded names.
std::string by_rfc(const std::string& value) {
    return client_in("Host: r\r\nforwarded: " + value + "\r\nAccept: */*\r\n");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(http_forwarded)

BOOST_AUTO_TEST_CASE(client_is_the_last_address_that_is_no_trusted_proxy) {
    BOOST_TEST(by_x("198.51.100.7") == "198.51.100.7");
    BOOST_TEST(by_x("203.0.113.9, 198.51.100.7") == "198.51.100.7");
    BOOST_TEST(by_x("203.0.113.9,198.51.100.7 ,192.0.2.1, 192.0.2.2") == "198.51.100.7");
    BOOST_TEST(by_x("192.0.2.1, 198.51.100.7") == "198.51.100.7");
    BOOST_TEST(by_x("2001:DB8:0:0::7, 2001:db8:1::1") == "2001:db8::7");
    BOOST_TEST(by_x("::ffff:198.51.100.7") == "198.51.100.7");
    BOOST_TEST(by_rfc("for=203.0.113.9, for=198.51.100.7;proto=https;by=192.0.2.1") ==
               "198.51.100.7");
    BOOST_TEST(by_rfc("proto=https;For=\"[2001:db8::7]:4711\", for=192.0.2.1") == "2001:db8::7");
}

BOOST_AUTO_TEST_CASE(client_is_the_first_address_if_all_are_trusted) {
    BOOST_TEST(by_x("192.0.2.1") == "192.0.2.1");
    BOOST_TEST(by_x("192.0.2.3, 192.0.2.1") == "192.0.2.3");
    BOOST_TEST(by_rfc("for=192.0.2.3, for=192.0.2.1") == "192.0.2.3");
}

BOOST_AUTO_TEST_CASE(fields_of_one_name_continue_each_other) {
    BOOST_TEST(client_in("X-Forwarded-For: 203.0.113.9\r\nx-forwarded-for: 198.51.100.7\r\n") ==
               "198.51.100.7");
    BOOST_TEST(client_in("X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-For: 192.0.2.1\r\n") ==
               "198.51.100.7");
    BOOST_TEST(client_in("Forwarded: for=x\r\nForwarded: for=198.51.100.7\r\n") == "198.51.100.7");
}

BOOST_AUTO_TEST_CASE(port_behind_an_address_is_ignored) {
    BOOST_TEST(by_x("198.51.100.7:4711") == "198.51.100.7");
    BOOST_TEST(by_x("[2001:db8::7]:4711") == "2001:db8::7");
    BOOST_TEST(by_x("[2001:db8::7]") == "2001:db8::7");
    BOOST_TEST(by_rfc("for=\"198.51.100.7:4711\"") == "198.51.100.7");
    BOOST_TEST(by_rfc("for=198.51.100.7:4711") == "198.51.100.7");
}

BOOST_AUTO_TEST_CASE(element_without_an_address_ends_the_search_at_the_proxy_behind_it) {
    for (const std::string none :
         {"unknown", "_hidden", "-", "198.51.100", "198.51.100.7:", "198.51.100.7:x",
          "198.51.100.7:123456", "[198.51.100.7]", "[2001:db8::7", "2001:db8::7]", "[]", "[::1]x",
          "198.51.100.7 198.51.100.8", "fe80::1%eth0", "\"198.51.100.7\""}) {
        BOOST_TEST(by_x(none) == "", none);
        BOOST_TEST(by_x("198.51.100.7, " + none) == "", none);
        BOOST_TEST(by_x(none + ", 198.51.100.7") == "198.51.100.7", none);
        BOOST_TEST(by_x("198.51.100.7, " + none + ", 192.0.2.1") == "192.0.2.1", none);
    }
    for (const std::string none :
         {"for=unknown", "for=\"_hidden\"", "for", "for=", "by=198.51.100.7", "198.51.100.7",
          "for=198.51.100.7;for=198.51.100.8", "for=x;for=198.51.100.7", "for=\"198.51.100.7",
          "for=198.51.100.7\"", "for=\"198.51.100.7\"x", "for=198.51.100.7;by",
          "for=198.51.100.7;x\"", "for=198.51.100.7;x=\"\\\"\"", "for = 198.51.100.7"}) {
        BOOST_TEST(by_rfc("for=203.0.113.9, " + none) == "", none);
        BOOST_TEST(by_rfc("for=203.0.113.9, " + none + ", for=192.0.2.1") == "192.0.2.1", none);
    }
}

BOOST_AUTO_TEST_CASE(empty_elements_and_pairs_have_no_meaning) {
    BOOST_TEST(by_x(" , 198.51.100.7,, ,192.0.2.1,") == "198.51.100.7");
    BOOST_TEST(by_rfc(";for=198.51.100.7; ;") == "198.51.100.7");
    for (const std::string none : {"", " ", ",", ", ,"}) {
        BOOST_TEST(by_x(none) == "");
        BOOST_TEST(by_rfc(none) == "");
    }
    BOOST_TEST(client_in("") == "");
    BOOST_TEST(client_in("Host: r\r\nX-Forwarded: 198.51.100.7\r\nX-Real-IP: 1.1.1.1\r\n") == "");
}

// The client sent the beginning of a value; the proxy appended the part after the last comma.
BOOST_AUTO_TEST_CASE(client_cannot_change_what_the_proxy_appends) {
    for (const std::string sent : {"for=\"", "for=203.0.113.9;by=\"", "for=203.0.113.9;x=\"\\",
                                   "\"", "for=203.0.113.9, by="}) {
        BOOST_TEST(by_rfc(sent + ", for=198.51.100.7") == "198.51.100.7", sent);
        BOOST_TEST(by_rfc(sent + ", for=\"[2001:db8::7]\"") == "2001:db8::7", sent);
        BOOST_TEST(by_x(sent + ", 198.51.100.7") == "198.51.100.7", sent);
    }
    // Some proxies also append the client's Host field, as a quoted string.
    for (const std::string host : {"a, for=203.0.113.9", "a, for=203.0.113.9;x=",
                                   "a, for=203.0.113.9;x", "a, for=203.0.113.9;x=\\\"\\\""})
        BOOST_TEST(by_rfc("for=198.51.100.7;host=\"" + host + "\"") != "203.0.113.9", host);
}

BOOST_AUTO_TEST_CASE(two_kinds_of_fields_are_believed_if_they_name_the_same_client) {
    const std::string x = "X-Forwarded-For: 198.51.100.7\r\n";
    BOOST_TEST(client_in(x + "Forwarded: for=198.51.100.7\r\n") == "198.51.100.7");
    BOOST_TEST(client_in("Forwarded: for=\"198.51.100.7:1\", for=192.0.2.1\r\n" + x) ==
               "198.51.100.7");
    for (const std::string other :
         {"for=203.0.113.9", "for=unknown", "by=198.51.100.7", "for=\""}) {
        BOOST_TEST(client_in(x + "Forwarded: " + other + "\r\n") == "", other);
        BOOST_TEST(client_in("Forwarded: " + other + "\r\n" + x) == "", other);
    }
}

BOOST_AUTO_TEST_CASE(any_text_names_an_address_or_no_client) {
    Random random("any_text_names_an_address_or_no_client");
    const std::string letters = "for=by;,\"\\[]:. 0123456789abcdef_";
    for (int times = 0; times < 20'000; ++times) {
        std::string value;
        for (size_t left = random.below(60); left > 0; --left)
            value += letters[random.below(letters.size())];
        for (const std::string& client : {by_x(value), by_rfc(value)})
            if (!client.empty()) BOOST_TEST_REQUIRE(parse_address(client).has_value(), value);
        BOOST_TEST_REQUIRE(by_x(value + ",198.51.100.7") == "198.51.100.7", value);
        BOOST_TEST_REQUIRE(by_rfc(value + ",for=198.51.100.7") == "198.51.100.7", value);
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
