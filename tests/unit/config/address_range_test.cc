#include "config/address_range.h"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace rollcall;

namespace {

bool holds(std::string_view network, std::string_view address) {
    return AddressRange::parse(network).value().contains(parse_address(address).value());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(address_range)

BOOST_AUTO_TEST_CASE(network_contains_the_addresses_that_share_its_first_bits) {
    BOOST_TEST(holds("192.0.2.0/24", "192.0.2.255"));
    BOOST_TEST(!holds("192.0.2.0/24", "192.0.3.0"));
    BOOST_TEST(holds("10.16.0.0/12", "10.31.255.255"));
    BOOST_TEST(!holds("10.16.0.0/12", "10.32.0.0"));
    BOOST_TEST(holds("2001:db8:8000::/33", "2001:db8:ffff::1"));
    BOOST_TEST(!holds("2001:db8:8000::/33", "2001:db8:7fff::1"));
    BOOST_TEST(holds("192.0.2.77/24", "192.0.2.1"));
}

BOOST_AUTO_TEST_CASE(single_address_is_a_network_of_itself) {
    for (const char* network : {"192.0.2.1", "192.0.2.1/32", "::ffff:192.0.2.1"}) {
        BOOST_TEST(holds(network, "192.0.2.1"));
        BOOST_TEST(holds(network, "::ffff:192.0.2.1"));
        BOOST_TEST(!holds(network, "192.0.2.0"));
    }
    BOOST_TEST(holds("::1", "0:0::1"));
    BOOST_TEST(!holds("::1/128", "::"));
}

BOOST_AUTO_TEST_CASE(network_without_bits_contains_all_addresses_of_its_family) {
    BOOST_TEST(holds("0.0.0.0/0", "203.0.113.1"));
    BOOST_TEST(!holds("0.0.0.0/0", "2001:db8::1"));
    BOOST_TEST(holds("::/0", "2001:db8::1"));
}

BOOST_AUTO_TEST_CASE(other_texts_are_no_networks) {
    for (const std::string text :
         {"", "/", "/8", "192.0.2.0/", "192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/8x", "192.0.2",
          "192.0.2.0/24/8", "2001:db8::/129", "[2001:db8::]/32", "localhost", "fe80::1%eth0",
          " 192.0.2.0/24", "192.0.2.1:80"})
        BOOST_TEST(!AddressRange::parse(text), text);
    BOOST_TEST(!parse_address(std::string_view("192.0.2.1\0", 10)));
    BOOST_TEST(!parse_address(std::string(1000, '1')));
}

BOOST_AUTO_TEST_SUITE_END()
