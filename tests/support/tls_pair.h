// TlsPair: a TLS client and a TlsSession that are connected in memory. TlsFixture: a TlsContext
// with its own files, and a clock that the test controls.
#pragma once

#include <array>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/net/tls_session.h"
#include "tests/support/certificates.h"
#include "tests/support/manual_clock.h"
#include "tests/support/tls_client.h"

namespace rollcall {

inline constexpr int tls_versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

// The authority and the certificates of the tests, created once.
inline const Certificates& test_certificates() {
    static const Certificates made;
    return made;
}

struct TlsPair {
    TlsPair(TlsContext& context, const TlsEnd::Options& options,
            Transport transport = Transport::http)
        : server(context, transport), client(options) {}

    // Runs the handshake on both sides. Returns the code if the server refuses it.
    std::optional<Code> shake_hands() {
        while (!client.shake_hands() || !done) {
            if (const auto fault = deliver(client.take_outgoing())) return fault;
            client.receive(take_outgoing());
        }
        return {};
    }

    // Passes bytes to the server. Plaintext after the handshake is appended to `opened`.
    std::optional<Code> deliver(std::string_view sealed) {
        while (!sealed.empty() && !done) {
            const auto step = server.handshake(sealed);
            if (!step) return step.error().code;
            done = *step;
        }
        if (!done || server.input_ended()) return server.fault();
        partial_record.append(sealed);
        std::string_view records = partial_record;
        std::array<char, 50> some;
        while (const size_t count = server.decrypt(records, some))
            opened.append(some.data(), count);
        partial_record.erase(0, partial_record.size() - records.size());
        return server.fault();
    }

    std::string take_outgoing() { return std::string(std::exchange(server.outgoing(), {}).view()); }

    // Lets the server send `plain`, and returns the plaintext that the client reads.
    std::string answer(std::string_view plain) {
        server.encrypt(plain);
        client.receive(take_outgoing());
        return client.read();
    }

    TlsSession server;
    TlsEnd client;
    bool done = false;
    std::string partial_record;
    std::string opened;
};

struct TlsFixture {
    static const Settings& prepared(Settings& settings) {
        static const auto server = test_certificates().issue("server");
        settings.tls.certificate = {server.certificate};
        settings.tls.key = {server.key};
        settings.tls.ticket_lifetime_max = std::chrono::hours(1);
        return settings;
    }

    void load() { BOOST_REQUIRE(context.load().has_value()); }

    // Completes a handshake and sends data in both directions, then returns the client's session.
    std::shared_ptr<SSL_SESSION> session(int version, SSL_SESSION* before, bool resumed) {
        TlsPair pair(context, {.version = version, .session = before});
        BOOST_TEST(!pair.shake_hands());
        BOOST_TEST(pair.answer("x") == "x");
        BOOST_TEST(pair.server.resumed() == resumed);
        BOOST_TEST(pair.client.resumed() == resumed);
        pair.client.say_end();
        return pair.client.session();
    }

    std::string name_of(const TlsEnd::Options& options) {
        TlsPair pair(context, options);
        BOOST_TEST(!pair.shake_hands());
        return std::string(pair.server.certificate_name());
    }

    Settings settings;
    ManualClock clock;
    TlsContext context = TlsContext(prepared(settings), clock);
};

}  // namespace rollcall
