#include "daemon/net/tls_context.h"

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <fstream>
#include <iterator>
#include <thread>

#include "tests/support/process.h"
#include "tests/support/standard_error.h"
#include "tests/support/tls_pair.h"

namespace rollcall {

namespace {

// Returns the part after the last colon.
std::string reason_of(const Error& error) {
    const std::string sentence = describe(error);
    return sentence.substr(sentence.rfind(": ") + 2);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(net_tls_context, TlsFixture)

BOOST_AUTO_TEST_CASE(protocol_of_another_service_is_refused) {
    load();
    const auto spoken = [&](const char* offered, Transport transport) {
        TlsPair pair(context, {.alpn = offered}, transport);
        return pair.shake_hands() ? "refused" : pair.client.protocol();
    };
    BOOST_TEST(spoken("\x02h2\x08http/1.1", Transport::http) == "http/1.1");
    BOOST_TEST(spoken("\x04mqtt", Transport::mqtt) == "mqtt");
    BOOST_TEST(spoken("", Transport::mqtt) == "");
    BOOST_TEST(spoken("\x08http/1.1", Transport::mqtt) == "refused");
    BOOST_TEST(spoken("\x02h2", Transport::http) == "refused");
}

BOOST_AUTO_TEST_CASE(wrong_files_leave_what_was_read_before) {
    load();
    const int64_t expires =
        context.shard().read(Metric::tls_certificate_expiry_timestamp_seconds, 0);
    constexpr int64_t two_days_s = 2 * 86'400;
    BOOST_TEST(std::abs(expires - clock.wall / 1'000'000 - two_days_s) < 3600);
    const auto good = settings.tls.certificate;
    settings.tls.certificate = {test_certificates().path("none")};
    BOOST_TEST(describe(context.load().error()) ==
               "tls.certificate: " + test_certificates().path("none") +
                   ": No such file or directory");
    TlsPair pair(context, {.authority = test_certificates().authority().certificate});
    BOOST_TEST(!pair.shake_hands());
    settings.tls.certificate = good;
    BOOST_TEST(context.load().has_value());
}

BOOST_AUTO_TEST_CASE(expired_certificate_is_logged_with_its_file) {
    const auto valid = test_certificates().issue("valid");
    const auto expired = test_certificates().issue("expired", Certificates::Kind::rsa, 0);
    settings.tls.certificate = {expired.certificate, valid.certificate};
    settings.tls.key = {expired.key, valid.key};
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));
    const std::string said = standard_error_of([&] { BOOST_TEST(context.load().has_value()); });
    BOOST_TEST(
        said.find("tls.certificate: " + expired.certificate + " expired ") != std::string::npos,
        said);
}

BOOST_AUTO_TEST_CASE(damaged_authorities_are_a_problem_with_its_reason) {
    const auto problem_of = [&](const std::string& content) {
        settings.tls.client_ca = test_certificates().path("authorities");
        std::ofstream(settings.tls.client_ca, std::ios::binary) << content;
        const auto done = context.load();
        return done ? "" : reason_of(done.error());
    };
    std::ifstream file(test_certificates().authority().certificate);
    const std::string authority{std::istreambuf_iterator<char>(file), {}};
    BOOST_TEST(problem_of(authority + "a comment\n" + authority) == "");
    BOOST_TEST(problem_of("") == "the file contains nothing in PEM format that can be used here");
    BOOST_TEST(problem_of(authority + authority.substr(0, 100)) == "bad end line");
    settings.tls.client_ca = test_certificates().path("");  // This is a directory.
    BOOST_TEST(!context.load().has_value());
}

BOOST_AUTO_TEST_CASE(key_with_a_passphrase_is_a_problem_and_asks_nobody) {
    const std::string locked = test_certificates().path("locked.key");
    const auto made = run({"openssl", "ec", "-in", settings.tls.key.front(), "-aes128", "-passout",
                           "pass:x", "-out", locked});
    BOOST_REQUIRE(made.status == 0);
    settings.tls.key = {locked};
    BOOST_TEST(describe(context.load().error()) ==
               "tls.key: " + locked + ": it is encrypted; remove its passphrase");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
