#include "daemon/net/proxy_protocol.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/support/random.h"

namespace rollcall {

namespace {

using namespace std::string_literals;

const std::string signature = "\r\n\r\n\0\r\nQUIT\n"s;
constexpr char local = 0x20;
constexpr char proxy = 0x21;
constexpr char tcp_ipv4 = 0x11;
constexpr char tcp_ipv6 = 0x21;
// From 192.0.2.7:1024 to 198.51.100.1:443.
const std::string ipv4 = "\xc0\x00\x02\x07\xc6\x33\x64\x01\x04\x00\x01\xbb"s;
const std::string ipv6 = "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x07" +
                         std::string(16, '\1') + "\x04\x00\x01\xbb"s;

std::string header(char command, char family, const std::string& rest) {
    return signature + command + family + static_cast<char>(rest.size() >> 8) +
           static_cast<char>(rest.size()) + rest;
}

// Returns the client's address, "" if the header names none, "more" or "wrong".
std::string client_of(const std::string& bytes) {
    const auto parsed = parse_proxy_header(bytes);
    if (!parsed) return "wrong";
    if (!*parsed) return "more";
    return (*parsed)->client.data();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(net_proxy_protocol)

BOOST_AUTO_TEST_CASE(client_is_who_the_balancer_says) {
    BOOST_TEST(client_of(header(proxy, tcp_ipv4, ipv4)) == "192.0.2.7");
    BOOST_TEST(client_of(header(proxy, tcp_ipv6, ipv6)) == "2001:db8::7");
    const std::string mapped = std::string(10, '\0') + "\xff\xff" + ipv4.substr(0, 4);
    BOOST_TEST(client_of(header(proxy, tcp_ipv6, mapped + ipv6.substr(16))) == "192.0.2.7");
}

BOOST_AUTO_TEST_CASE(header_ends_where_its_length_says_and_what_it_holds_besides_is_not_read) {
    const std::string bytes = header(proxy, tcp_ipv4, ipv4 + "\x04\x00\x03tlv"s) + "GET /";
    const auto parsed = parse_proxy_header(bytes);
    BOOST_TEST_REQUIRE((parsed && *parsed));
    BOOST_TEST(bytes.substr((*parsed)->bytes) == "GET /");
    BOOST_TEST(client_of(bytes) == "192.0.2.7");
}

BOOST_AUTO_TEST_CASE(balancer_may_speak_for_itself_or_for_what_is_no_tcp) {
    BOOST_TEST(client_of(header(local, tcp_ipv4, ipv4)) == "");
    BOOST_TEST(client_of(header(local, 0, "")) == "");
    BOOST_TEST(client_of(header(proxy, 0, "")) == "");
    BOOST_TEST(client_of(header(proxy, 0x12, ipv4)) == "");                   // UDP
    BOOST_TEST(client_of(header(proxy, 0x31, std::string(216, 'x'))) == "");  // A Unix socket
}

BOOST_AUTO_TEST_CASE(every_beginning_of_a_header_waits_for_more) {
    for (const std::string& whole :
         {header(proxy, tcp_ipv4, ipv4), header(proxy, tcp_ipv6, ipv6), header(local, 0, "")})
        for (size_t length = 0; length < whole.size(); ++length)
            BOOST_TEST(client_of(whole.substr(0, length)) == "more");
}

BOOST_AUTO_TEST_CASE(first_byte_that_is_wrong_is_the_last_that_is_waited_for) {
    for (size_t place = 0; place < signature.size(); ++place) {
        std::string bytes = signature.substr(0, place + 1);
        bytes[place] ^= 1;
        BOOST_TEST(client_of(bytes) == "wrong");
    }
    for (const std::string other : {"GET / HTTP/1.1\r\n", "PROXY TCP4 192.0.2.7 ", "\x10\x20"})
        BOOST_TEST(client_of(other) == "wrong");
}

BOOST_AUTO_TEST_CASE(header_that_says_what_the_protocol_does_not_know_is_wrong) {
    BOOST_TEST(client_of(header(0x11, tcp_ipv4, ipv4)) == "wrong");  // Version 1.
    BOOST_TEST(client_of(header(0x22, tcp_ipv4, ipv4)) == "wrong");  // No such command.
    for (const int family : {0x13, 0x41, 0x03, 0xf1})                // Not assigned.
        BOOST_TEST(client_of(header(proxy, static_cast<char>(family), ipv4)) == "wrong");
    BOOST_TEST(client_of(header(proxy, tcp_ipv4, ipv4.substr(1))) == "wrong");
    BOOST_TEST(client_of(header(proxy, tcp_ipv6, ipv6.substr(1))) == "wrong");
    const std::string most(proxy_header_bytes_max - 16, 'x');
    BOOST_TEST(client_of(header(local, 0, most)) == "");
    BOOST_TEST(client_of(header(local, 0, most + "x")) == "wrong");
}

BOOST_AUTO_TEST_CASE(no_bytes_make_it_read_beyond_their_end) {
    Random random("no_bytes_make_it_read_beyond_their_end");
    for (int times = 0; times < 20'000; ++times) {
        std::string bytes = signature;
        for (size_t left = random.below(80); left > 0; --left)
            bytes += static_cast<char>(random.below(256));
        const std::unique_ptr<char[]> exact(new char[bytes.size()]);
        bytes.copy(exact.get(), bytes.size());
        const auto parsed = parse_proxy_header({exact.get(), bytes.size()});
        if (parsed && *parsed) BOOST_TEST_REQUIRE((*parsed)->bytes <= bytes.size());
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
