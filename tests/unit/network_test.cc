#include "daemon/network.h"

#include <boost/test/unit_test.hpp>

namespace rollcall {

BOOST_AUTO_TEST_SUITE(network)

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

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
