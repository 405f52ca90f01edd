#include "daemon/net/listener.h"

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <set>

namespace rollcall {

namespace {

struct ListenerFixture {
    ~ListenerFixture() {
        for (const int fd : sockets.fds) close(fd);
    }
    void listen(const std::string& address, size_t count) {
        auto opened = listen_on(address, count);
        BOOST_REQUIRE(opened.has_value());
        sockets = std::move(*opened);
    }
    ListeningSockets sockets;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(net_listener, ListenerFixture)

BOOST_AUTO_TEST_CASE(workers_have_sockets_of_their_own_on_one_port) {
    listen("127.0.0.1:0", 3);
    BOOST_TEST(std::set<int>(sockets.fds.begin(), sockets.fds.end()).size() == 3);
    BOOST_TEST(sockets.address.starts_with("127.0.0.1:"));
    BOOST_TEST(!sockets.address.ends_with(":0"));
}

BOOST_AUTO_TEST_CASE(port_that_another_daemon_listens_on_is_refused) {
    listen("127.0.0.1:0", 1);
    const auto second = listen_on(sockets.address, 1);
    BOOST_REQUIRE(!second.has_value());
    BOOST_TEST((second.error().code == Code::listen_failed));
    BOOST_TEST(describe(second.error()) ==
               "cannot listen on " + sockets.address + ": Address already in use");
}

BOOST_AUTO_TEST_CASE(ipv6_address_is_bound_and_written_with_brackets) {
    listen("[::1]:0", 1);
    BOOST_TEST(sockets.address.starts_with("[::1]:"));
}

BOOST_AUTO_TEST_CASE(both_wildcard_addresses_listen_on_one_port) {
    listen("[::]:0", 1);
    const std::string port = sockets.address.substr(sockets.address.rfind(':'));
    const auto second = listen_on("0.0.0.0" + port, 1);
    BOOST_REQUIRE(second.has_value());
    BOOST_TEST(second->address == "0.0.0.0" + port);
    close(second->fds.front());
}

BOOST_AUTO_TEST_CASE(address_that_is_not_ours_says_why) {
    const auto opened = listen_on("192.0.2.1:0", 1);
    BOOST_REQUIRE(!opened.has_value());
    BOOST_TEST(describe(opened.error()).starts_with("cannot listen on 192.0.2.1:0: "));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
