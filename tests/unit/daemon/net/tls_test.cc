#include "daemon/net/tls.h"

#include <array>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>

#include "tests/support/certificates.h"
#include "tests/support/manual_clock.h"
#include "tests/support/process.h"
#include "tests/support/random.h"
#include "tests/support/tls_client.h"

namespace rollcall {

namespace {

constexpr int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

const Certificates& ours() {
    static const Certificates made;
    return made;
}

// A client and the daemon's end, with nothing but memory between them.
struct Pair {
    Pair(TlsContext& context, const TlsEnd::Options& options, Transport transport = Transport::http)
        : server(context, transport), client(options) {}

    // Lets both go on until they are done, or one cannot: then the code.
    std::optional<Code> shake_hands() {
        while (!client.shake_hands() || !done) {
            if (const auto fault = deliver(client.take_outgoing())) return fault;
            client.receive(take_outgoing());
        }
        return {};
    }

    // To the server; what is left behind the handshake is opened.
    std::optional<Code> deliver(std::string_view sealed) {
        while (!sealed.empty()) {
            if (!done) {
                const auto step = server.shake_hands(sealed);
                if (!step) return step.error().code;
                done = *step;
                continue;
            }
            std::array<char, 50> some;
            while (const size_t count = server.open(sealed, some))
                opened.append(some.data(), count);
            if (server.ended()) break;
        }
        return server.fault();
    }

    std::string take_outgoing() { return std::string(std::exchange(server.outgoing(), {}).view()); }

    // What the client reads of what the server says.
    std::string answer(std::string_view plain) {
        server.seal(plain);
        client.receive(take_outgoing());
        return client.read();
    }

    Tls server;
    TlsEnd client;
    bool done = false;
    std::string opened;
};

struct Fixture {
    static const Settings& prepared(Settings& settings) {
        static const auto server = ours().issue("server");
        settings.tls.certificate = {server.certificate};
        settings.tls.key = {server.key};
        settings.tls.ticket_lifetime_max = std::chrono::hours(1);
        return settings;
    }

    void read() { BOOST_REQUIRE(context.read().has_value()); }

    // Of a handshake after which both have said something.
    std::shared_ptr<SSL_SESSION> session(int version, SSL_SESSION* before, bool resumed) {
        Pair pair(context, {.version = version, .session = before});
        BOOST_TEST(!pair.shake_hands());
        BOOST_TEST(pair.answer("x") == "x");
        BOOST_TEST(pair.server.resumed() == resumed);
        BOOST_TEST(pair.client.resumed() == resumed);
        pair.client.say_end();
        return pair.client.session();
    }

    std::string name_of(const TlsEnd::Options& options) {
        Pair pair(context, options);
        BOOST_TEST(!pair.shake_hands());
        return std::string(pair.server.certified());
    }

    Settings settings;
    ManualClock clock;
    TlsContext context = TlsContext(prepared(settings), clock);
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(net_tls, Fixture)

BOOST_AUTO_TEST_CASE(bytes_come_through_however_they_are_split) {
    read();
    Random random("tls");
    for (int round = 0; round < 40; ++round) {
        Pair pair(context, {.version = versions[round % 2]});
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
    read();
    for (const int version : versions) {
        Pair pair(context, {.version = version});
        BOOST_TEST(!pair.server.say_end());  // There is nobody yet.
        BOOST_TEST(!pair.shake_hands());
        pair.client.send("last");
        pair.client.say_end();
        BOOST_TEST(!pair.deliver(pair.client.take_outgoing()));
        BOOST_TEST(pair.opened == "last");
        BOOST_TEST(pair.server.ended());
        BOOST_TEST(pair.answer("answer") == "answer");
        BOOST_TEST(pair.server.say_end());
        BOOST_TEST(!pair.server.say_end());
        BOOST_TEST(pair.answer("") == "");
        BOOST_TEST(pair.client.ended());
    }
}

BOOST_AUTO_TEST_CASE(record_that_was_changed_is_a_fault_and_nothing_of_it_is_opened) {
    read();
    for (const int version : versions) {
        Pair pair(context, {.version = version});
        BOOST_TEST(!pair.shake_hands());
        pair.client.send("report");
        std::string sealed = pair.client.take_outgoing();
        sealed[sealed.size() - 3] ^= 1;
        BOOST_TEST((pair.deliver(sealed) == Code::tls_malformed));
        BOOST_TEST(pair.opened == "");
        BOOST_TEST(pair.server.ended());
        pair.take_outgoing();  // The alert.
        pair.server.seal("more");
        BOOST_TEST(!pair.server.say_end());
        BOOST_TEST(pair.server.outgoing().view() == "");
    }
}

BOOST_AUTO_TEST_CASE(what_is_no_handshake_costs_none) {
    read();
    for (const std::string_view bytes :
         {"GET / HTTP/1.1\r\n\r\n", "\x10\x0e", "\x80\x2e\x01\x03\x01", "\x15\x03\x01\x00\x02"}) {
        Pair pair(context, {});
        BOOST_TEST((pair.deliver(bytes) == Code::tls_plaintext));
        BOOST_TEST(pair.server.outgoing().view() == "");
    }
    Pair pair(context, {});
    BOOST_TEST(
        (pair.deliver(std::string_view("\x16\x03\x01\0\5other", 10)) == Code::tls_malformed));
}

BOOST_AUTO_TEST_CASE(protocol_of_another_service_is_refused) {
    read();
    const auto spoken = [&](const char* offered, Transport transport) {
        Pair pair(context, {.alpn = offered}, transport);
        return pair.shake_hands() ? "refused" : pair.client.protocol();
    };
    BOOST_TEST(spoken("\x02h2\x08http/1.1", Transport::http) == "http/1.1");
    BOOST_TEST(spoken("\x04mqtt", Transport::mqtt) == "mqtt");
    BOOST_TEST(spoken("", Transport::mqtt) == "");
    BOOST_TEST(spoken("\x08http/1.1", Transport::mqtt) == "refused");
    BOOST_TEST(spoken("\x02h2", Transport::http) == "refused");
}

BOOST_AUTO_TEST_CASE(ticket_is_good_for_its_lifetime_and_its_key_is_changed) {
    read();
    for (const int version : versions) {
        const auto first = session(version, nullptr, false);
        clock.pass(std::chrono::minutes(59));
        (void)session(version, first.get(), true);
        // The key is the one before now; whoever shows its ticket gets a new one.
        clock.pass(std::chrono::minutes(59));
        const auto second = session(version, first.get(), true);
        clock.pass(std::chrono::minutes(61));
        (void)session(version, second.get(), true);
        (void)session(version, first.get(), false);
        // Nobody came for so long that both keys are too old.
        clock.pass(std::chrono::hours(3));
        (void)session(version, second.get(), false);
    }
}

BOOST_AUTO_TEST_CASE(ticket_of_another_daemon_is_worth_nothing) {
    read();
    const auto theirs = session(TLS1_2_VERSION, nullptr, false);
    TlsContext other(settings, clock);
    BOOST_REQUIRE(other.read().has_value());
    Pair pair(other, {.version = TLS1_2_VERSION, .session = theirs.get()});
    BOOST_TEST(!pair.shake_hands());
    BOOST_TEST(!pair.server.resumed());
}

BOOST_AUTO_TEST_CASE(client_is_known_by_the_one_common_name_of_its_certificate) {
    settings.tls.client_ca = ours().authority().certificate;
    read();
    const auto with = [](const Certificates::Files& files) {
        return TlsEnd::Options{.certificate = files.certificate, .key = files.key};
    };
    BOOST_TEST(name_of({}) == "");
    BOOST_TEST(name_of(with(ours().issue("HX1"))) == "HX1");
    BOOST_TEST(name_of(with(ours().issue("a/CN=b"))) == "");
    BOOST_TEST(name_of(with(ours().issue("tab\tbed"))) == "");
    for (const int version : versions) {
        auto options = with(ours().issue("HX2"));
        options.version = version;
        Pair pair(context, options);
        BOOST_TEST(!pair.shake_hands());
        BOOST_TEST(pair.answer("x") == "x");
        pair.client.say_end();
        const auto ticket = pair.client.session();
        BOOST_TEST(name_of({.version = version, .session = ticket.get()}) == "HX2");
        // Another authority does not vouch for what this one did.
        const Certificates theirs("somebody");
        settings.tls.client_ca = theirs.authority().certificate;
        read();
        BOOST_TEST(name_of({.version = version, .session = ticket.get()}) == "");
        settings.tls.client_ca = ours().authority().certificate;
        read();
    }
}

BOOST_AUTO_TEST_CASE(client_certificate_that_is_not_vouched_for_ends_the_handshake) {
    settings.tls.client_ca = ours().authority().certificate;
    read();
    const Certificates theirs("somebody");
    for (const int version : versions) {
        for (const auto& files : {theirs.issue("HX1"), ours().issue("HX1", {}, -1)}) {
            Pair pair(context,
                      {.version = version, .certificate = files.certificate, .key = files.key});
            BOOST_TEST((pair.shake_hands() == Code::tls_bad_certificate));
            BOOST_TEST(pair.server.outgoing().view() != "");
            BOOST_TEST(pair.server.certified() == "");
        }
    }
}

BOOST_AUTO_TEST_CASE(keys_may_be_updated_in_the_middle) {
    read();
    Pair pair(context, {.version = TLS1_3_VERSION});
    BOOST_TEST(!pair.shake_hands());
    for (int round = 0; round < 3; ++round) {
        pair.client.update_keys();
        pair.client.send("a");
        BOOST_TEST(!pair.deliver(pair.client.take_outgoing()));
        BOOST_TEST(pair.answer("b") == "b");
    }
    BOOST_TEST(pair.opened == "aaa");
    // Each costs much, and asks for an answer besides.
    for (int update = 0; update < 40; ++update) pair.client.update_keys();
    pair.client.send("a");
    BOOST_TEST((pair.deliver(pair.client.take_outgoing()) == Code::tls_malformed));
}

BOOST_AUTO_TEST_CASE(renegotiation_is_not_to_be_had) {
    read();
    Pair pair(context, {.version = TLS1_2_VERSION});
    BOOST_TEST(!pair.shake_hands());
    pair.client.renegotiate();
    BOOST_TEST(!pair.deliver(pair.client.take_outgoing()));
    BOOST_CHECK_THROW(pair.client.receive(pair.take_outgoing());
                      (void)pair.client.read(), TlsFailed);
}

BOOST_AUTO_TEST_CASE(wrong_files_leave_what_was_read_before) {
    read();
    const int64_t expires = context.shard().read(Metric::tls_certificate_expiry_timestamp_seconds, 0);
    constexpr int64_t two_days_s = 2 * 86'400;
    BOOST_TEST(std::abs(expires - clock.wall / 1'000'000 - two_days_s) < 3600);
    const auto good = settings.tls.certificate;
    settings.tls.certificate = {ours().path("none")};
    BOOST_TEST(context.read().error() ==
               "tls.certificate: " + ours().path("none") + ": No such file or directory");
    Pair pair(context, {.authority = ours().authority().certificate});
    BOOST_TEST(!pair.shake_hands());
    settings.tls.certificate = good;
    BOOST_TEST(context.read().has_value());
}

BOOST_AUTO_TEST_CASE(damaged_authorities_are_a_problem_with_its_reason) {
    const auto problem_of = [&](const std::string& content) {
        settings.tls.client_ca = ours().path("authorities");
        std::ofstream(settings.tls.client_ca, std::ios::binary) << content;
        const auto done = context.read();
        return done ? "" : done.error().substr(done.error().rfind(": ") + 2);
    };
    std::ifstream file(ours().authority().certificate);
    const std::string authority{std::istreambuf_iterator<char>(file), {}};
    BOOST_TEST(problem_of(authority + "a comment\n" + authority) == "");
    BOOST_TEST(problem_of("") == "there is none in it, as PEM");
    BOOST_TEST(problem_of(authority + authority.substr(0, 100)) == "bad end line");
    settings.tls.client_ca = ours().path("");  // A directory.
    BOOST_TEST(!context.read().has_value());
}

BOOST_AUTO_TEST_CASE(key_with_a_passphrase_is_a_problem_and_asks_nobody) {
    const std::string locked = ours().path("locked.key");
    const auto made = run({"openssl", "ec", "-in", settings.tls.key.front(), "-aes128", "-passout",
                           "pass:x", "-out", locked});
    BOOST_REQUIRE(made.status == 0);
    settings.tls.key = {locked};
    BOOST_TEST(context.read().error() ==
               "tls.key: " + locked + ": it needs a passphrase, which nobody can type in");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
