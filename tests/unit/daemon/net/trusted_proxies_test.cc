#include "daemon/net/trusted_proxies.h"

#include <boost/test/unit_test.hpp>

namespace rollcall {

BOOST_AUTO_TEST_SUITE(net_trusted_proxies)

BOOST_AUTO_TEST_CASE(address_is_trusted_if_one_of_the_networks_contains_it) {
    const TrustedProxies proxies({"192.0.2.0/24", "2001:db8::1"});
    BOOST_TEST(!proxies.empty());
    for (const char* address : {"192.0.2.9", "::ffff:192.0.2.9", "2001:db8::1"})
        BOOST_TEST(proxies.contains(address), address);
    for (const char* address : {"192.0.3.9", "2001:db8::2", "", "proxy"})
        BOOST_TEST(!proxies.contains(address), address);
}

BOOST_AUTO_TEST_CASE(without_networks_no_address_is_trusted) {
    BOOST_TEST(TrustedProxies().empty());
    BOOST_TEST(!TrustedProxies().contains("192.0.2.9"));
    BOOST_TEST(TrustedProxies(List{}).empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
