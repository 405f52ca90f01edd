#include "daemon/security/signature_rate_limiter.h"

#include <fmt/core.h>

#include <boost/test/unit_test.hpp>
#include <string>

namespace rollcall {

namespace {

struct LimiterFixture {
    LimiterFixture() { settings.auth.invalid_signatures_max = 3; }

    // Sends a wrong signature. Returns true if the limiter permitted its verification.
    bool wrong(const std::string& peer) {
        const uint64_t network = limiter.network_of_peer(peer);
        if (!limiter.may_verify(network, now_s)) return false;
        limiter.record_wrong(network);
        return true;
    }
    // Sends a valid signature. Returns true if the limiter permitted its verification.
    bool valid(const std::string& peer) {
        const uint64_t network = limiter.network_of_peer(peer);
        if (!limiter.may_verify(network, now_s)) return false;
        limiter.record_valid(network);
        return true;
    }

    Settings settings;
    int64_t now_s = 1'790'000'000;
    SignatureRateLimiter limiter{settings};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(security_signature_rate_limiter, LimiterFixture)

BOOST_AUTO_TEST_CASE(network_has_one_wrong_signature_a_second) {
    BOOST_TEST(wrong("192.0.2.1"));
    BOOST_TEST(!wrong("192.0.2.1"));
    BOOST_TEST(!valid("192.0.2.1"));
    BOOST_TEST(wrong("192.0.2.2"));
    ++now_s;
    BOOST_TEST(wrong("192.0.2.1"));
}

BOOST_AUTO_TEST_CASE(addresses_of_one_network_share_its_wrong_signature) {
    BOOST_TEST(wrong("2001:db8:0:1::1"));
    for (int host = 2; host < 100; ++host)
        BOOST_TEST(!wrong(fmt::format("2001:db8:0:1::{}", host)), host);
    BOOST_TEST(wrong("2001:db8:0:2::1"));
}

BOOST_AUTO_TEST_CASE(unknown_networks_share_the_limit_of_a_second) {
    for (const char* peer : {"192.0.2.1", "192.0.2.2", "192.0.2.3"}) BOOST_TEST(wrong(peer), peer);
    BOOST_TEST(!wrong("192.0.2.4"));
    BOOST_TEST(!valid("192.0.2.4"));
    ++now_s;
    BOOST_TEST(valid("192.0.2.4"));
}

BOOST_AUTO_TEST_CASE(valid_signatures_are_not_limited) {
    for (int round = 0; round < 100; ++round) BOOST_TEST(valid("192.0.2.1"));
}

BOOST_AUTO_TEST_CASE(unknown_networks_delay_no_known_network_and_the_other_way_round) {
    for (int host = 1; host <= 4; ++host) BOOST_TEST(valid(fmt::format("192.0.2.{}", host)));
    // Send from more unknown networks than the table of unknown networks has entries.
    for (int host = 0; host < 4000; ++host)
        (void)wrong(fmt::format("198.51.{}.{}", host / 250, host % 250));
    BOOST_TEST(!valid("203.0.113.1"));
    for (int host = 1; host <= 3; ++host) BOOST_TEST(wrong(fmt::format("192.0.2.{}", host)));
    BOOST_TEST(!valid("192.0.2.4"));
    ++now_s;
    for (int host = 1; host <= 3; ++host) BOOST_TEST(wrong(fmt::format("192.0.2.{}", host)));
    BOOST_TEST(valid("203.0.113.1"));
}

BOOST_AUTO_TEST_CASE(network_that_is_known_keeps_its_wrong_signature_of_this_second) {
    BOOST_TEST(valid("192.0.2.1"));
    BOOST_TEST(wrong("192.0.2.1"));
    limiter.record_valid(limiter.network_of_peer("192.0.2.1"));
    BOOST_TEST(!wrong("192.0.2.1"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
