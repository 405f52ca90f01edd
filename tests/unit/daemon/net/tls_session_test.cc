#include "daemon/net/tls_session.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/random.h"
#include "tests/support/tls_pair.h"

namespace rollcall {

BOOST_FIXTURE_TEST_SUITE(net_tls_session, TlsFixture)

BOOST_AUTO_TEST_CASE(bytes_come_through_however_they_are_split) {
    load();
    Random random("tls");
    for (int round = 0; round < 40; ++round) {
        TlsPair pair(context, {.version = tls_versions[round % 2]});
        std::string said;
        std::string sealed;
        while (!pair.client.shake_hands()) {
            sealed += pair.client.take_outgoing();
            while (!sealed.empty()) {
                const size_t bytes = 1 + random.below(std::min<size_t>(sealed.size(), 100));
                BOOST_TEST(!pair.deliver(sealed.substr(0, bytes)));
                sealed.erase(0, bytes);
            }
            pair.client.receive(pair.take_outgoing());
        }
        for (int record = 0; record < 5; ++record) {
            const std::string plain(random.below(20'000) + 1, static_cast<char>('a' + record));
            pair.client.send(plain);
            said += plain;
        }
        sealed = pair.client.take_outgoing();
        while (!sealed.empty()) {
            const size_t bytes = 1 + random.below(std::min<size_t>(sealed.size(), 30'000));
            BOOST_TEST(!pair.deliver(sealed.substr(0, bytes)));
            sealed.erase(0, bytes);
        }
        BOOST_TEST((pair.opened == said));
        BOOST_TEST((pair.answer(said) == said));
    }
}

BOOST_AUTO_TEST_CASE(each_side_hears_that_the_other_says_no_more) {
    load();
    for (const int version : tls_versions) {
        TlsPair pair(context, {.version = version});
        BOOST_TEST(!pair.server.send_close_notify());  // No handshake so far.
        BOOST_TEST(!pair.shake_hands());
        pair.client.send("last");
        pair.client.say_end();
        BOOST_TEST(!pair.deliver(pair.client.take_outgoing()));
        BOOST_TEST(pair.opened == "last");
        BOOST_TEST(pair.server.input_ended());
        BOOST_TEST(pair.answer("answer") == "answer");
        BOOST_TEST(pair.server.send_close_notify());
        BOOST_TEST(!pair.server.send_close_notify());
        BOOST_TEST(pair.answer("") == "");
        BOOST_TEST(pair.client.ended());
    }
}

BOOST_AUTO_TEST_CASE(record_that_was_changed_is_a_fault_and_nothing_of_it_is_opened) {
    load();
    for (const int version : tls_versions) {
        TlsPair pair(context, {.version = version});
        BOOST_TEST(!pair.shake_hands());
        pair.client.send("report");
        std::string sealed = pair.client.take_outgoing();
        sealed[sealed.size() - 3] ^= 1;
        BOOST_TEST((pair.deliver(sealed) == Code::tls_malformed));
        BOOST_TEST(pair.opened == "");
        BOOST_TEST(pair.server.input_ended());
        pair.take_outgoing();  // Discards the alert.
        pair.server.encrypt("more");
        BOOST_TEST(!pair.server.send_close_notify());
        BOOST_TEST(pair.server.outgoing().view() == "");
    }
}

BOOST_AUTO_TEST_CASE(what_is_no_handshake_costs_none) {
    load();
    for (const std::string_view bytes :
         {"GET / HTTP/1.1\r\n\r\n", "\x10\x0e", "\x80\x2e\x01\x03\x01", "\x15\x03\x01\x00\x02"}) {
        TlsPair pair(context, {});
        BOOST_TEST((pair.deliver(bytes) == Code::tls_plaintext));
        BOOST_TEST(pair.server.outgoing().view() == "");
    }
    TlsPair pair(context, {});
    BOOST_TEST(
        (pair.deliver(std::string_view("\x16\x03\x01\0\5other", 10)) == Code::tls_malformed));
}

BOOST_AUTO_TEST_CASE(client_is_known_by_the_one_common_name_of_its_certificate) {
    settings.tls.client_ca = test_certificates().authority().certificate;
    load();
    const auto with = [](const Certificates::Files& files) {
        return TlsEnd::Options{.certificate = files.certificate, .key = files.key};
    };
    BOOST_TEST(name_of({}) == "");
    BOOST_TEST(name_of(with(test_certificates().issue("HX1"))) == "HX1");
    BOOST_TEST(name_of(with(test_certificates().issue("a/CN=b"))) == "");
    BOOST_TEST(name_of(with(test_certificates().issue("tab\tbed"))) == "");
    for (const int version : tls_versions) {
        auto options = with(test_certificates().issue("HX2"));
        options.version = version;
        TlsPair pair(context, options);
        BOOST_TEST(!pair.shake_hands());
        BOOST_TEST(pair.answer("x") == "x");
        pair.client.say_end();
        const auto ticket = pair.client.session();
        BOOST_TEST(name_of({.version = version, .session = ticket.get()}) == "HX2");
        // A ticket is not valid after a change of the client authority.
        const Certificates theirs("somebody");
        settings.tls.client_ca = theirs.authority().certificate;
        load();
        BOOST_TEST(name_of({.version = version, .session = ticket.get()}) == "");
        settings.tls.client_ca = test_certificates().authority().certificate;
        load();
    }
}

BOOST_AUTO_TEST_CASE(client_certificate_that_is_not_vouched_for_ends_the_handshake) {
    settings.tls.client_ca = test_certificates().authority().certificate;
    load();
    const Certificates theirs("somebody");
    for (const int version : tls_versions) {
        for (const auto& files : {theirs.issue("HX1"), test_certificates().issue("HX1", {}, 0)}) {
            TlsPair pair(context,
                         {.version = version, .certificate = files.certificate, .key = files.key});
            BOOST_TEST((pair.shake_hands() == Code::tls_bad_certificate));
            BOOST_TEST(pair.server.outgoing().view() != "");
            BOOST_TEST(pair.server.certificate_name() == "");
        }
    }
}

BOOST_AUTO_TEST_CASE(keys_may_be_updated_in_the_middle) {
    load();
    TlsPair pair(context, {.version = TLS1_3_VERSION});
    BOOST_TEST(!pair.shake_hands());
    for (int round = 0; round < 3; ++round) {
        pair.client.update_keys();
        pair.client.send("a");
        BOOST_TEST(!pair.deliver(pair.client.take_outgoing()));
        BOOST_TEST(pair.answer("b") == "b");
    }
    BOOST_TEST(pair.opened == "aaa");
    // Key updates are limited, because each one costs the server time. At each update, the server
    // also updates its own key.
    for (int update = 0; update < 40; ++update) pair.client.update_keys();
    pair.client.send("a");
    BOOST_TEST((pair.deliver(pair.client.take_outgoing()) == Code::tls_malformed));
}

BOOST_AUTO_TEST_CASE(renegotiation_is_not_to_be_had) {
    load();
    TlsPair pair(context, {.version = TLS1_2_VERSION});
    BOOST_TEST(!pair.shake_hands());
    pair.client.renegotiate();
    BOOST_TEST(!pair.deliver(pair.client.take_outgoing()));
    BOOST_CHECK_THROW(pair.client.receive(pair.take_outgoing());
                      (void)pair.client.read(), TlsFailed);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
