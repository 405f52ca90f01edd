// TLS with real clients: curl, mosquitto, openssl, and a client of the tests with features that
// these programs lack.
#include <fmt/core.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "tests/support/certificates.h"
#include "tests/support/test_daemon.h"
#include "tests/support/tls_client.h"

using namespace rollcall;
using namespace std::chrono_literals;

namespace {

using Kind = Certificates::Kind;
using Lines = std::vector<std::string>;

const Certificates& ours() {
    static const Certificates made;
    return made;
}

const Certificates::Files& ecdsa() {
    static const auto made = ours().issue("elliptic", Kind::ecdsa);
    return made;
}

const Certificates::Files& rsa() {
    static const auto made = ours().issue("factored", Kind::rsa);
    return made;
}

const std::string& authority() { return ours().authority().certificate; }

Lines with(const Certificates::Files& one, const Lines& more = {}) {
    Lines lines{R"(http.tls_listen = ["127.0.0.1:0"])", R"(mqtt.tls_listen = "127.0.0.1:0")",
                fmt::format(R"(tls.certificate = "{}")", one.certificate),
                fmt::format(R"(tls.key = "{}")", one.key)};
    lines.insert(lines.end(), more.begin(), more.end());
    return lines;
}

Lines with_both(const Lines& more = {}) {
    Lines lines{
        R"(http.tls_listen = ["127.0.0.1:0"])", R"(mqtt.tls_listen = ["127.0.0.1:0"])",
        fmt::format(R"(tls.certificate = ["{}", "{}"])", rsa().certificate, ecdsa().certificate),
        fmt::format(R"(tls.key = ["{}", "{}"])", rsa().key, ecdsa().key)};
    lines.insert(lines.end(), more.begin(), more.end());
    return lines;
}

std::string seq(int number) { return fmt::format(R"({{"serial_number":"S","seq":{}}})", number); }

Finished curl(const TestDaemon& daemon, const Lines& arguments) {
    static int number = 0;
    Lines command{"curl",     "--silent",  "--show-error", "--include",
                  "--cacert", authority(), "--json",       seq(++number)};
    command.insert(command.end(), arguments.begin(), arguments.end());
    command.push_back(fmt::format("https://localhost:{}/v1/checkins", daemon.port_of("https")));
    return run(command);
}

// Returns a request that makes the daemon close the connection after the response.
std::string last_request(const std::string& body) {
    return fmt::format(
        "POST /v1/checkins HTTP/1.1\r\nHost: r\r\nConnection: close\r\nContent-Length: "
        "{}\r\n\r\n{}",
        body.size(), body);
}

bool answered(const std::string& answer) { return answer.starts_with("HTTP/1.1 200 OK\r\n"); }

// Waits until the metric has the value or `patience` is over, and returns the last value.
double metric_until(const TestDaemon& daemon, double value, std::string_view name) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
        const double now = daemon.metric(name);
        if (now == value || std::chrono::steady_clock::now() > deadline) return now;
        std::this_thread::sleep_for(20ms);
    }
}

double refused(const TestDaemon& daemon, std::string_view code, double value = 1,
               std::string_view transport = "http") {
    return metric_until(
        daemon, value,
        fmt::format(R"(rollcall_checkins_rejected_total{{transport="{}",code="{}"}})", transport,
                    code));
}

double handshakes(const TestDaemon& daemon, std::string_view result) {
    return daemon.metric(fmt::format(R"(rollcall_tls_handshakes_total{{result="{}"}})", result));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tls_clients)

BOOST_AUTO_TEST_CASE(curl_posts_over_both_versions_and_agrees_on_http) {
    const TestDaemon daemon({.settings = with(ecdsa())});
    for (const Lines& version : {Lines{"--tlsv1.3"}, Lines{"--tls-max", "1.2"}}) {
        const auto posted = curl(daemon, version);
        BOOST_TEST(answered(posted.output), posted.errors);
    }
    BOOST_TEST(handshakes(daemon, "full") == 2);
    BOOST_TEST(daemon.query_until("2|http", "SELECT COUNT(*), transport FROM site_checkins") ==
               "2|http");
    TlsClient client(daemon.port_of("https"),
                     {.authority = authority(), .alpn = "\x02h2\x08http/1.1"});
    BOOST_TEST(client.end().protocol() == "http/1.1");
}

BOOST_AUTO_TEST_CASE(mosquitto_publishes_over_tls_at_every_qos) {
    const TestDaemon daemon({.settings = with(ecdsa())});
    for (const char* qos : {"0", "1", "2"}) {
        const auto published =
            run({"mosquitto_pub", "-h", "localhost", "-p", std::to_string(daemon.port_of("mqtts")),
                 "--cafile", authority(), "-q", qos, "-t", "checkins/M", "-m",
                 fmt::format(R"({{"seq":{}}})", qos)});
        BOOST_TEST(published.status == 0, published.errors);
    }
    BOOST_TEST(daemon.query_until("3|mqtt", "SELECT COUNT(*), transport FROM site_checkins") ==
               "3|mqtt");
}

BOOST_AUTO_TEST_CASE(tls_1_1_is_refused_with_an_alert_and_counted) {
    const TestDaemon daemon({.settings = with_both()});
    BOOST_CHECK_EXCEPTION(TlsClient(daemon.port_of("https"),
                                    {.version = TLS1_1_VERSION, .ciphers = "ALL:@SECLEVEL=0"}),
                          TlsFailed, [](const TlsFailed& failed) {
                              return std::string_view(failed.what()).contains("protocol version");
                          });
    BOOST_TEST(refused(daemon, "tls_version") == 1);
    BOOST_TEST(handshakes(daemon, "failed") == 1);
}

BOOST_AUTO_TEST_CASE(client_gets_the_certificate_whose_signatures_it_can_verify) {
    const TestDaemon daemon({.settings = with_both()});
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const auto name_for = [&](const char* signatures) {
            TlsClient client(
                daemon.port_of("https"),
                {.authority = authority(), .version = version, .signatures = signatures});
            return client.end().server_name();
        };
        BOOST_TEST(name_for("RSA-PSS+SHA256:RSA+SHA256:ECDSA+SHA256") == "elliptic");
        BOOST_TEST(name_for("ECDSA+SHA256") == "elliptic");
    }
    // This client does not accept ECDSA. It uses TLS 1.2, because TLS 1.3 would require ECDSA for
    // the authority's signature.
    TlsClient old(daemon.port_of("https"), {.authority = authority(),
                                            .version = TLS1_2_VERSION,
                                            .ciphers = "ECDHE-RSA-AES128-GCM-SHA256"});
    BOOST_TEST(old.end().server_name() == "factored");
}

BOOST_AUTO_TEST_CASE(cbc_ciphers_work_only_where_they_are_allowed) {
    const TestDaemon strict({.settings = with_both()});
    const TestDaemon lenient({.settings = with_both({"tls.cbc_ciphers = true"})});
    for (const std::string cipher :
         {"ECDHE-RSA-AES128-SHA", "ECDHE-ECDSA-AES128-SHA", "AES128-SHA"}) {
        const Lines old{"--tls-max", "1.2", "--ciphers", cipher};
        BOOST_TEST(curl(strict, old).status != 0, cipher);
        const auto posted = curl(lenient, old);
        BOOST_TEST(answered(posted.output), cipher << ": " << posted.errors);
    }
    BOOST_TEST(refused(strict, "tls_no_common_algorithm", 3) == 3);
    // For a client that supports a better cipher, the daemon must choose this cipher.
    TlsClient client(lenient.port_of("https"),
                     {.version = TLS1_2_VERSION,
                      .ciphers = "AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256"});
    BOOST_TEST(client.end().cipher() == "ECDHE-RSA-AES128-GCM-SHA256");
}

BOOST_AUTO_TEST_CASE(plain_text_to_the_port_of_tls_is_closed_at_once_and_counted) {
    const TestDaemon daemon({.settings = with(ecdsa())});
    TcpClient http(daemon.port_of("https"));
    http.send(last_request(seq(1)));
    BOOST_TEST(http.take_rest() == "");
    BOOST_TEST(refused(daemon, "tls_plaintext") == 1);
    TcpClient mqtt(daemon.port_of("mqtts"));
    mqtt.send(std::string_view("\x10\x0e\0\x04MQTT\4\2\0\x3c\0\2M1", 16));
    BOOST_TEST(mqtt.take_rest() == "");
    BOOST_TEST(refused(daemon, "tls_plaintext", 1, "mqtt") == 1);
}

BOOST_AUTO_TEST_CASE(client_that_does_not_trust_the_certificate_is_counted) {
    const TestDaemon daemon({.settings = with(ecdsa())});
    const Certificates theirs("somebody");
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
        BOOST_CHECK_THROW(
            TlsClient(daemon.port_of("https"),
                      {.authority = theirs.authority().certificate, .version = version}),
            TlsFailed);
    BOOST_TEST(refused(daemon, "tls_client_alert", 2) == 2);
}

BOOST_AUTO_TEST_CASE(client_certificate_is_verified_if_there_is_one) {
    const Certificates theirs("somebody");
    const auto good = ours().issue("HX1");
    const auto bad = theirs.issue("HX1");
    const TestDaemon daemon(
        {.settings = with(ecdsa(), {fmt::format(R"(tls.client_ca = "{}")", authority())})});
    for (const Lines& version : {Lines{"--tlsv1.3"}, Lines{"--tls-max", "1.2"}}) {
        const auto posted_with = [&](const Certificates::Files& files) {
            Lines arguments{"--cert", files.certificate, "--key", files.key};
            arguments.insert(arguments.end(), version.begin(), version.end());
            return curl(daemon, arguments);
        };
        BOOST_TEST(answered(curl(daemon, version).output));
        BOOST_TEST(answered(posted_with(good).output));
        const auto refused_one = posted_with(bad);
        BOOST_TEST(refused_one.status != 0);
        BOOST_TEST(refused_one.errors.contains("alert unknown ca"), refused_one.errors);
    }
    BOOST_TEST(refused(daemon, "tls_bad_certificate", 2) == 2);
    BOOST_TEST(daemon.query_until("4", "SELECT COUNT(*) FROM site_checkins") == "4");
}

BOOST_AUTO_TEST_CASE(client_certificate_is_a_credential_on_both_protocols) {
    const auto router = ours().issue("tower-12");
    const TestDaemon daemon(
        {.settings = with(ecdsa(), {fmt::format(R"(tls.client_ca = "{}")", authority()),
                                    R"(auth.mode = "tokens")"})});
    BOOST_TEST(curl(daemon, {}).output.starts_with("HTTP/1.1 401 "));
    BOOST_TEST(answered(curl(daemon, {"--cert", router.certificate, "--key", router.key}).output));
    const auto publish = [&](const Lines& more) {
        Lines command{"mosquitto_pub",
                      "-h",
                      "localhost",
                      "-p",
                      std::to_string(daemon.port_of("mqtts")),
                      "--cafile",
                      authority(),
                      "-q",
                      "1",
                      "-t",
                      "checkins/M",
                      "-m",
                      R"({"serial_number":"M","seq":9})"};
        command.insert(command.end(), more.begin(), more.end());
        return run(command).status;
    };
    BOOST_TEST(publish({}) != 0);
    BOOST_TEST(publish({"--cert", router.certificate, "--key", router.key}) == 0);
    BOOST_TEST(
        daemon.query_until("2|tower-12|tower-12",
                           "SELECT COUNT(*), MIN(site_id), MAX(site_id) FROM site_checkins") ==
        "2|tower-12|tower-12");
}

BOOST_AUTO_TEST_CASE(pipelined_requests_and_large_bodies_are_answered_in_their_order) {
    const TestDaemon daemon({.settings = with(ecdsa())});
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        TlsClient client(daemon.port_of("https"), {.authority = authority(), .version = version});
        // The list is larger than a record, which holds 16 KiB, and larger than one read.
        std::string list = "[";
        while (list.size() < 300'000)
            list += R"({"sn":"L","y":")" + std::string(1000, 'y') + R"("},)";
        list.back() = ']';
        const std::string large =
            R"({"serial_number":"L","x":")" + std::string(60'000, 'x') + R"("})";
        client.send(post_request(seq(1)) + post_request(large) + post_request("{]") +
                    post_request(list) + last_request(seq(2)));
        const std::string answers = client.take_rest();
        std::string statuses;
        for (size_t at = 0; (at = answers.find("HTTP/1.1 ", at)) != std::string::npos; ++at)
            statuses += answers.substr(at + 9, 3) + " ";
        BOOST_TEST(statuses == "200 200 400 200 200 ");
        BOOST_TEST(client.end().ended());
    }
}

BOOST_AUTO_TEST_CASE(client_that_ends_its_side_receives_its_responses_and_the_end) {
    const TestDaemon daemon({.settings = with(ecdsa())});
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        TlsClient client(daemon.port_of("https"), {.authority = authority(), .version = version});
        client.end().send(post_request(seq(1)));
        client.end().say_end();
        client.connection().send(client.end().take_outgoing());
        client.connection().end_sending();
        BOOST_TEST(answered(client.take_rest()));
        BOOST_TEST(client.end().ended());
        // A client that ends the connection without close_notify must still get its response.
        TlsClient cut(daemon.port_of("https"), {.authority = authority(), .version = version});
        cut.send(post_request(seq(2)));
        cut.connection().end_sending();
        BOOST_TEST(answered(cut.take_rest()));
    }
}

BOOST_AUTO_TEST_CASE(handshake_may_be_cut_at_every_byte) {
    const TestDaemon daemon({.settings = with(ecdsa())});
    int cut = 0;
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        // A client sends twice: first ClientHello, then the reply to the server's messages.
        for (const int flight : {1, 2}) {
            for (size_t bytes = 1;; ++bytes) {
                TcpClient connection(daemon.port_of("https"));
                TlsEnd end({.version = version});
                BOOST_TEST(!end.shake_hands());
                if (flight == 2) {
                    connection.send(end.take_outgoing());
                    // The server's messages may need several reads. They are complete when the
                    // client has a reply.
                    do {
                        end.receive(connection.take(connection.peek().size()));
                        (void)end.shake_hands();
                    } while (!end.has_outgoing());
                }
                const std::string whole = end.take_outgoing();
                if (bytes == whole.size()) break;
                connection.send(whole.substr(0, bytes));
                ++cut;
            }
        }
    }
    BOOST_TEST(cut > 500);
    // For each version, two more connections ended at the `break`. The connection of flight 1 sent
    // nothing and does not count as truncated. The connection of flight 2 sent only a ClientHello
    // and counts.
    BOOST_TEST(refused(daemon, "tls_truncated", cut + 2) == cut + 2);
    BOOST_TEST(metric_until(daemon, 0, R"(rollcall_connections{transport="http"})") == 0);
    BOOST_TEST(answered(curl(daemon, {}).output));
}

BOOST_AUTO_TEST_CASE(handshake_beyond_the_limit_waits_for_one_to_end) {
    const TestDaemon daemon({.settings = with(ecdsa(), {"workers = 1", "tls.handshakes_max = 1"})});
    TlsEnd end({});
    BOOST_TEST(!end.shake_hands());
    const std::string hello = end.take_outgoing();
    auto first = std::make_unique<TcpClient>(daemon.port_of("https"));
    first->send(hello);
    BOOST_TEST(!first->peek().empty());
    TcpClient second(daemon.port_of("https"));
    second.send(hello);
    BOOST_TEST(!second.readable_within(300ms));
    BOOST_TEST(daemon.post(seq(1)).status == 200);
    first.reset();
    BOOST_TEST(!second.peek().empty());
}

BOOST_AUTO_TEST_CASE(silent_handshake_is_closed_for_a_waiting_one) {
    const TestDaemon daemon({.settings = with(ecdsa(), {"workers = 1", "tls.handshakes_max = 1"})});
    TlsEnd end({});
    BOOST_TEST(!end.shake_hands());
    TcpClient silent(daemon.port_of("https"));
    silent.send(end.take_outgoing());
    BOOST_TEST(!silent.peek().empty());
    // Because curl waits, the daemon closes the silent handshake before its timeout of 15 s.
    BOOST_TEST(answered(curl(daemon, {}).output));
    BOOST_TEST(refused(daemon, "tls_timeout", 1) == 1);
}

BOOST_AUTO_TEST_CASE(slow_handshake_is_closed_by_its_timeout) {
    const TestDaemon daemon({.settings = with(ecdsa(), {R"(tls.handshake_timeout_max = "1s")"})});
    TcpClient silent(daemon.port_of("https"));
    TcpClient slow(daemon.port_of("https"));
    TlsEnd end({});
    BOOST_TEST(!end.shake_hands());
    const std::string hello = end.take_outgoing();
    slow.send(hello.substr(0, hello.size() / 2));
    BOOST_TEST(silent.ends_within(patience));
    BOOST_TEST(slow.ends_within(patience));
    // Only `slow` counts, because a client that sends nothing is closed without a refusal.
    BOOST_TEST(refused(daemon, "tls_timeout") == 1);
}

BOOST_AUTO_TEST_CASE(reload_gives_new_clients_the_new_certificate_and_keeps_the_old_connections) {
    namespace fs = std::filesystem;
    const Certificates::Files used{ours().path("used.crt"), ours().path("used.key")};
    const auto use = [&](const Certificates::Files& files) {
        constexpr auto over = fs::copy_options::overwrite_existing;
        fs::copy_file(files.certificate, used.certificate, over);
        fs::copy_file(files.key, used.key, over);
    };
    use(ecdsa());
    TestDaemon daemon({.settings = with(used)});
    const TlsEnd::Options trusting{.authority = authority()};
    TlsClient before(daemon.port_of("https"), trusting);
    BOOST_TEST(before.end().server_name() == "elliptic");
    const auto reload = [&] {
        daemon.notify_socket().forget();
        daemon.process().send(SIGHUP);
        BOOST_TEST(daemon.notify_socket().hears("READY=1", patience));
    };

    use(rsa());
    reload();
    TlsClient after(daemon.port_of("https"), trusting);
    BOOST_TEST(after.end().server_name() == "factored");
    before.send(post_request(seq(1)));
    BOOST_TEST(answered(before.take(17)));

    std::ofstream(used.key) << "-----BEGIN PRIVATE KEY-----\nbroken\n";
    reload();
    TlsClient still(daemon.port_of("https"), trusting);
    BOOST_TEST(still.end().server_name() == "factored");
    BOOST_TEST(daemon.says(used.key), daemon.log());
    const auto ready = daemon.admin("/readyz");
    BOOST_TEST(ready.status == 200);
    BOOST_TEST(ready.body.contains(used.key), ready.body);

    use(ecdsa());
    reload();
    TlsClient fixed(daemon.port_of("https"), trusting);
    BOOST_TEST(fixed.end().server_name() == "elliptic");
    BOOST_TEST(!daemon.admin("/readyz").body.contains(used.key));
    after.send(last_request(seq(2)));
    BOOST_TEST(answered(after.take_rest()));
}

BOOST_AUTO_TEST_CASE(ticket_is_valid_for_every_worker_and_after_a_reload) {
    TestDaemon daemon({.settings = with(ecdsa(), {"workers = 3"})});
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const auto with_ticket = [&](SSL_SESSION* session) {
            auto client = std::make_unique<TlsClient>(
                daemon.port_of("https"),
                TlsEnd::Options{.authority = authority(), .version = version, .session = session});
            client->send(last_request(seq(1)));
            BOOST_TEST(answered(client->take_rest()));
            return client;
        };
        auto session = with_ticket(nullptr)->end().session();
        for (int connection = 0; connection < 12; ++connection) {
            if (connection == 6) {
                daemon.notify_socket().forget();
                daemon.process().send(SIGHUP);
                BOOST_TEST(daemon.notify_socket().hears("READY=1", patience));
            }
            const auto client = with_ticket(session.get());
            BOOST_TEST(client->end().resumed());
            session = client->end().session();
        }
    }
    BOOST_TEST(handshakes(daemon, "full") == 2);
    BOOST_TEST(handshakes(daemon, "resumed") == 24);
}

BOOST_AUTO_TEST_CASE(openssl_resumes_its_session_with_a_ticket) {
    const TestDaemon daemon({.settings = with_both()});
    const std::string session = ours().path("session");
    const auto connect = [&](const char* version, const char* what) {
        return run({"openssl", "s_client", "-connect",
                    fmt::format("127.0.0.1:{}", daemon.port_of("https")), "-CAfile", authority(),
                    version, "-ign_eof", what, session},
                   {}, last_request(seq(1)))
            .output;
    };
    for (const char* version : {"-tls1_2", "-tls1_3"}) {
        BOOST_TEST(connect(version, "-sess_out").contains("New, TLSv1."), version);
        const std::string again = connect(version, "-sess_in");
        BOOST_TEST(again.contains("Reused, TLSv1."), again);
    }
}

BOOST_AUTO_TEST_CASE(invalid_files_are_named_and_prevent_the_start) {
    const auto rollcalld = [](const char* command, const Certificates::Files& files) {
        return run({rollcalld_path(), command, "--set", "tls.certificate=" + files.certificate,
                    "--set", "tls.key=" + files.key});
    };
    BOOST_TEST(rollcalld("check", rsa()).status == 0);
    const std::string none = ours().path("none");
    const std::pair<Certificates::Files, std::string> wrong[] = {
        {{none, rsa().key}, fmt::format("tls.certificate: {}: No such file or directory\n", none)},
        {{rsa().certificate, none}, fmt::format("tls.key: {}: No such file or directory\n", none)},
        {{rsa().key, rsa().key},
         fmt::format(
             "tls.certificate: {}: the file contains nothing in PEM format that can be used here\n",
             rsa().key)},
        {{rsa().certificate, ecdsa().key},
         fmt::format("tls.key: {}: it is not the key of {}\n", ecdsa().key, rsa().certificate)},
    };
    for (const auto& [files, sentence] : wrong) {
        for (const char* command : {"check", "serve"}) {
            const auto said = rollcalld(command, files);
            BOOST_TEST(said.status == 78);
            BOOST_TEST(said.errors.ends_with(sentence), said.errors);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
