#include "daemon/net/listener.h"

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <set>

namespace rollcall {

namespace {

struct ListenerFixture {
    ~ListenerFixture() {
        for (const int fd : listening.fds) close(fd);
    }
    ListeningSockets listening;
    std::string problem;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(net_listener, ListenerFixture)

BOOST_AUTO_TEST_CASE(workers_have_sockets_of_their_own_on_one_port) {
    BOOST_TEST(listen_on("127.0.0.1:0", 3, listening, problem));
    BOOST_TEST(std::set<int>(listening.fds.begin(), listening.fds.end()).size() == 3);
    BOOST_TEST(listening.address.starts_with("127.0.0.1:"));
    BOOST_TEST(!listening.address.ends_with(":0"));
}

BOOST_AUTO_TEST_CASE(port_that_another_daemon_listens_on_is_refused) {
    BOOST_TEST(listen_on("127.0.0.1:0", 1, listening, problem));
    ListeningSockets second;
    BOOST_TEST(!listen_on(listening.address, 1, second, problem));
    BOOST_TEST(problem == "Address already in use");
    BOOST_TEST(second.fds.empty());
}

BOOST_AUTO_TEST_CASE(ipv6_address_is_bound_and_written_with_brackets) {
    BOOST_TEST(listen_on("[::1]:0", 1, listening, problem));
    BOOST_TEST(listening.address.starts_with("[::1]:"));
}

BOOST_AUTO_TEST_CASE(address_that_is_not_ours_says_why) {
    BOOST_TEST(!listen_on("192.0.2.1:0", 1, listening, problem));
    BOOST_TEST(!problem.empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
