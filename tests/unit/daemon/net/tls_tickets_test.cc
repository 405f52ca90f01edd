#include "daemon/net/tls_tickets.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/tls_pair.h"

namespace rollcall {

BOOST_FIXTURE_TEST_SUITE(net_tls_tickets, TlsFixture)

BOOST_AUTO_TEST_CASE(key_is_the_current_one_for_a_lifetime_and_the_previous_one_for_another) {
    TlsTicketKeys keys(std::chrono::hours(1), clock);
    const TlsTicketKey first = keys.current();
    BOOST_TEST((keys.current().name == first.name));
    BOOST_TEST(!keys.find(first.name)->is_previous);
    clock.pass(std::chrono::hours(1));
    BOOST_TEST((keys.current().name != first.name));
    BOOST_TEST(keys.find(first.name)->is_previous);
    BOOST_TEST((keys.find(first.name)->key.cipher == first.cipher));
    BOOST_TEST((keys.find(first.name)->key.mac == first.mac));
    clock.pass(std::chrono::hours(1));
    BOOST_TEST(!keys.find(first.name).has_value());
}

BOOST_AUTO_TEST_CASE(both_keys_are_replaced_after_two_lifetimes_without_a_client) {
    TlsTicketKeys keys(std::chrono::hours(1), clock);
    const TlsTicketKey first = keys.current();
    clock.pass(std::chrono::hours(2));
    BOOST_TEST(!keys.find(first.name).has_value());
}

BOOST_AUTO_TEST_CASE(ticket_is_good_for_its_lifetime_and_its_key_is_changed) {
    load();
    for (const int version : tls_versions) {
        const auto first = session(version, nullptr, false);
        clock.pass(std::chrono::minutes(59));
        (void)session(version, first.get(), true);
        // A client whose ticket has the previous key must get a new ticket.
        clock.pass(std::chrono::minutes(59));
        const auto second = session(version, first.get(), true);
        clock.pass(std::chrono::minutes(61));
        (void)session(version, second.get(), true);
        (void)session(version, first.get(), false);
        // For a long time no client connects, so that both keys expire.
        clock.pass(std::chrono::hours(3));
        (void)session(version, second.get(), false);
    }
}

BOOST_AUTO_TEST_CASE(ticket_of_another_daemon_is_worth_nothing) {
    load();
    const auto theirs = session(TLS1_2_VERSION, nullptr, false);
    TlsContext other(settings, clock);
    BOOST_REQUIRE(other.load().has_value());
    TlsPair pair(other, {.version = TLS1_2_VERSION, .session = theirs.get()});
    BOOST_TEST(!pair.shake_hands());
    BOOST_TEST(!pair.server.resumed());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
