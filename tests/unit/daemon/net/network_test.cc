#include "daemon/net/network.h"

#include <sys/socket.h>

#include <boost/test/unit_test.hpp>
#include <initializer_list>
#include <string>

namespace rollcall {

BOOST_AUTO_TEST_SUITE(net_network)

BOOST_AUTO_TEST_CASE(addresses_are_of_one_network_as_far_as_its_bits_go) {
    BOOST_TEST(network_of("192.0.2.1", 24, 64) == network_of("192.0.2.9", 24, 64));
    BOOST_TEST(network_of("192.0.2.1", 32, 64) != network_of("192.0.2.9", 32, 64));
    BOOST_TEST(network_of("2001:db8::1", 32, 64) == network_of("2001:db8::9", 32, 64));
    BOOST_TEST(network_of("2001:db8::1", 32, 128) != network_of("2001:db8::9", 32, 128));
    BOOST_TEST(network_of("192.0.2.1", 0, 0) == network_of("198.51.100.1", 0, 0));
}

BOOST_AUTO_TEST_CASE(what_is_no_address_is_of_no_network) {
    for (const char* text : {"", "r1", "192.0.2", "192.0.2.1.1", "2001:db8::g"})
        BOOST_TEST(network_of(text, 32, 64) == 0);
    const std::string long_one(1000, '1');
    BOOST_TEST(network_of(long_one, 32, 64) == 0);
}

BOOST_AUTO_TEST_CASE(address_is_written_as_that_of_ipv4_where_it_is_one) {
    const auto text = [](std::initializer_list<uint8_t> bytes) {
        const int family = bytes.size() == sizeof(in_addr) ? AF_INET : AF_INET6;
        return std::string(address_text(family, bytes.begin()).data());
    };
    BOOST_TEST(text({192, 0, 2, 7}) == "192.0.2.7");
    BOOST_TEST(text({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7}) == "192.0.2.7");
    BOOST_TEST(text({0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7}) == "2001:db8::7");
    const uint8_t unix_path[sizeof(in6_addr)] = {};
    BOOST_TEST(address_text(AF_UNIX, unix_path).data() == "");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
