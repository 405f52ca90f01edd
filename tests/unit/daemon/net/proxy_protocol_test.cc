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

std::string text_line(const std::string& text) { return "PROXY " + text + "\r\n"; }

// Returns the client's address; "" if the header names none; otherwise "more" or "wrong".
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
    for (const std::string other : {"GET / HTTP/1.1\r\n", "PROXY\t", "\x10\x20"})
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

BOOST_AUTO_TEST_CASE(line_of_text_names_the_client) {
    BOOST_TEST(client_of(text_line("TCP4 192.0.2.7 198.51.100.1 1024 443")) == "192.0.2.7");
    BOOST_TEST(client_of(text_line("TCP6 2001:DB8::7 2001:db8::1 0 65535")) == "2001:db8::7");
    BOOST_TEST(client_of(text_line("TCP6 ::ffff:192.0.2.7 ::1 1 2")) == "192.0.2.7");
    const std::string bytes = text_line("TCP4 192.0.2.7 198.51.100.1 1024 443") + "\r\nGET /";
    const auto parsed = parse_proxy_header(bytes);
    BOOST_TEST_REQUIRE((parsed && *parsed));
    BOOST_TEST(bytes.substr((*parsed)->bytes) == "\r\nGET /");
}

BOOST_AUTO_TEST_CASE(line_about_an_unknown_protocol_names_no_client) {
    for (const std::string rest : {"", " ", " 192.0.2.7 198.51.100.1 1024 443", " \r \n ? \xff"})
        BOOST_TEST(client_of(text_line("UNKNOWN" + rest)) == "");
}

BOOST_AUTO_TEST_CASE(longest_line_is_understood_and_one_byte_more_is_not_waited_for) {
    const std::string most = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    const std::string longest = text_line("UNKNOWN " + most + " " + most + " 65535 65535");
    BOOST_TEST(longest.size() == proxy_line_bytes_max);
    BOOST_TEST(client_of(longest) == "");
    const std::string too_long = text_line("UNKNOWN " + most + " " + most + " 65535 655350");
    BOOST_TEST(client_of(too_long) == "wrong");
    // The last two bytes could still be the line end.
    BOOST_TEST(client_of(longest.substr(0, longest.size() - 1)) == "more");
    BOOST_TEST(client_of(too_long.substr(0, proxy_line_bytes_max)) == "wrong");
}

BOOST_AUTO_TEST_CASE(every_beginning_of_a_line_waits_for_more) {
    for (const std::string& whole : {text_line("TCP4 192.0.2.7 198.51.100.1 1024 443"),
                                     text_line("TCP6 2001:db8::7 ::1 1 2"), text_line("UNKNOWN")})
        for (size_t length = 0; length < whole.size(); ++length)
            BOOST_TEST(client_of(whole.substr(0, length)) == "more");
}

BOOST_AUTO_TEST_CASE(line_that_section_2_1_does_not_describe_is_wrong) {
    for (const std::string text : {"",
                                   "TCP",
                                   "TCP5 192.0.2.7 198.51.100.1 1024 443",
                                   "tcp4 192.0.2.7 198.51.100.1 1 2",
                                   "TCP4",
                                   "TCP4 192.0.2.7 198.51.100.1 1024",
                                   "TCP4 192.0.2.7 198.51.100.1 1024 443 ",
                                   "TCP4 192.0.2.7 198.51.100.1 1024 443 5",
                                   "TCP4  192.0.2.7 198.51.100.1 1024 443",
                                   " TCP4 192.0.2.7 198.51.100.1 1024 443",
                                   "TCP4\t192.0.2.7 198.51.100.1 1024 443",
                                   "TCP4 192.0.2.7  1024 443",
                                   "TCP4 192.0.2 198.51.100.1 1024 443",
                                   "TCP4 192.0.2.07 198.51.100.1 1 2",
                                   "TCP4 192.0.2.256 198.51.100.1 1 2",
                                   "TCP4 192.0.2.7 198.51.100.x 1 2",
                                   "TCP4 2001:db8::7 2001:db8::1 1 2",
                                   "TCP6 192.0.2.7 198.51.100.1 1 2",
                                   "TCP6 2001:db8::7%eth0 ::1 1 2",
                                   "TCP6 [2001:db8::7] ::1 1 2",
                                   "TCP6 2001::db8::7 ::1 1 2",
                                   "TCP4 192.0.2.7 ::1 1 2",
                                   "TCP4 192.0.2.7 198.51.100.1 65536 1",
                                   "TCP4 192.0.2.7 198.51.100.1 1 65536",
                                   "TCP4 192.0.2.7 198.51.100.1 01 1",
                                   "TCP4 192.0.2.7 198.51.100.1 1 -1",
                                   "TCP4 192.0.2.7 198.51.100.1 +1 1",
                                   "TCP4 192.0.2.7 198.51.100.1 1 00",
                                   "TCP4 192.0.2.7 198.51.100.1 1 2\r",
                                   "TCP4 192.0.2.7 198.51.100.1 1 2\n",
                                   "UNKNOWN1"})
        BOOST_TEST(client_of(text_line(text)) == "wrong", text);
    BOOST_TEST(client_of("PROXY TCP4 192.0.2.7 198.51.100.1 1 2\n" + std::string(100, ' ')) ==
               "wrong");
}

BOOST_AUTO_TEST_CASE(no_bytes_make_it_read_beyond_their_end) {
    Random random("no_bytes_make_it_read_beyond_their_end");
    const std::string letters = "PROXY TCP46 UNKNOWN 0123456789abcdef:.\r\n";
    for (int times = 0; times < 40'000; ++times) {
        const bool is_text = times % 2 == 1;
        std::string bytes = is_text ? "PROXY " : signature;
        if (is_text && random.below(2) == 1) bytes += random.below(2) == 1 ? "TCP4 " : "TCP6 ";
        for (size_t left = random.below(110); left > 0; --left)
            bytes += is_text ? letters[random.below(letters.size())]
                             : static_cast<char>(random.below(256));
        if (random.below(2) == 1) bytes += "\r\n";
        const std::unique_ptr<char[]> exact(new char[bytes.size()]);
        bytes.copy(exact.get(), bytes.size());
        const auto parsed = parse_proxy_header({exact.get(), bytes.size()});
        if (parsed && *parsed) BOOST_TEST_REQUIRE((*parsed)->bytes <= bytes.size());
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
