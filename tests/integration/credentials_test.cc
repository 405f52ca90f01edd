// Credentials as curl and mosquitto send them, in every supported way. The tests also check the
// effect of a reload on connected clients, and that no secret appears in any output.
#include <fmt/core.h>
#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/support/mqtt_packets.h"
#include "tests/support/tcp_client.h"
#include "tests/support/test_daemon.h"
#include "tests/support/token_keys.h"

using namespace rollcall;
using namespace std::chrono_literals;

namespace {

// The token is long and unusual, so that it is easy to find in any output.
const std::string token_1 = "secret-token-of-s1-aaaaaaaaaaaaaaaa";
const std::string token_2 = "secret-token-of-s2-bbbbbbbbbbbbbbbb";
const std::string shared = "secret-token-of-all-cccccccccccccccc";
const std::string wrong = "secret-token-of-none-ddddddddddddddd";
const std::string signing_secret = "c2VjcmV0LXNpZ25pbmcta2V5LW9mLTMyLWJ5dGVzLWlzLXRoaXM";

Finished rollcalld(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), rollcalld_path());
    return run(arguments);
}

struct DaemonFixture {
    DaemonFixture() {
        write(tokens, "s1 acme " + sha256_hex(token_1) + "\ns2 " + sha256_hex(token_2) +
                          "\n4c:5e:* " + sha256_hex(shared) + "\n");
        write(keys, "k1 HS256 " + signing_secret + "\np ES256 p.pem\n");
        write(directory.path() / "p.pem", p256_key().public_pem);
    }
    // Sends a report on an open connection and returns the status.
    static int poll(HttpClient& client, const std::string& token) {
        return client
            .exchange("GET /poll?cpu=4 HTTP/1.1\r\nHost: r\r\nAuthorization: Bearer " + token +
                      "\r\n\r\n")
            .status;
    }
    static void write(const std::string& path, const std::string& content) {
        std::ofstream(path) << content;
        chmod(path.c_str(), 0600);
    }

    [[nodiscard]] std::string url(std::string_view path = "/v1/checkins") const {
        return fmt::format("http://127.0.0.1:{}{}", daemon->http_port(), path);
    }
    // Sends a report with curl and returns the status.
    [[nodiscard]] std::string curl(std::vector<std::string> arguments,
                                   std::string_view path = "/v1/checkins") const {
        std::vector<std::string> command{
            "curl",        "--silent",     "--output", "/dev/null",
            "--write-out", "%{http_code}", "--data",   "serial=BODY;cpu-count=4"};
        command.insert(command.end(), arguments.begin(), arguments.end());
        command.push_back(url(path));
        return run(command).output;
    }
    [[nodiscard]] Finished publish(std::vector<std::string> arguments,
                                   std::string_view topic = "checkins/TOPIC") const {
        std::vector<std::string> command{"mosquitto_pub",
                                         "-h",
                                         "127.0.0.1",
                                         "-p",
                                         std::to_string(daemon->mqtt_port()),
                                         "-q",
                                         "1",
                                         "-m",
                                         R"({"serial":"BODY","cpu_count":4})",
                                         "-t",
                                         std::string(topic)};
        command.insert(command.end(), arguments.begin(), arguments.end());
        return run(command);
    }
    [[nodiscard]] std::string new_token(std::string_view site,
                                        std::vector<std::string> more = {}) const {
        std::vector<std::string> arguments{
            "token", "new", "--site", std::string(site), "--set", "auth.signing_keys_file=" + keys};
        arguments.insert(arguments.end(), more.begin(), more.end());
        std::string token = rollcalld(arguments).output;
        if (token.ends_with('\n')) token.pop_back();
        return token;
    }
    void reload() const {
        const auto ended = [this] {
            return count(daemon->log(), "reload: complete") +
                   count(daemon->log(), "reload: incomplete");
        };
        const double before = ended();
        daemon->process().send(SIGHUP);
        for (int wait = 0; wait < 600 && ended() == before; ++wait)
            std::this_thread::sleep_for(50ms);
    }
    static double count(const std::string& text, std::string_view what) {
        double times = 0;
        for (size_t at = 0; (at = text.find(what, at)) != text.npos; ++at) ++times;
        return times;
    }
    [[nodiscard]] double rejected(std::string_view transport, std::string_view code) const {
        return daemon->metric(fmt::format(
            R"(rollcall_checkins_rejected_total{{transport="{}",code="{}"}})", transport, code));
    }
    // Returns the sites of all rows, in the order of the rows.
    [[nodiscard]] std::string sites(const std::string& expected) const {
        return daemon->query_until(expected,
                                   "SELECT group_concat(site_id, ' ') FROM (SELECT site_id FROM "
                                   "site_checkins ORDER BY rowid)");
    }
    void nothing_secret_is_seen() const {
        std::string pages;
        for (const char* page : {"/metrics", "/readyz", "/status", "/status.json"}) {
            const HttpResponse answer = daemon->admin(page);
            BOOST_TEST(answer.status == 200, page);
            pages += answer.body;
        }
        const std::string rows = daemon->query("SELECT * FROM site_checkins");
        for (const std::string& secret :
             {std::string("secret-token"), signing_secret, std::string("eyJ")})
            for (const std::string& text : {daemon->log(), pages, rows})
                BOOST_TEST(text.find(secret) == text.npos, text);
    }

    TemporaryDirectory directory;
    std::string tokens = directory.path() / "tokens";
    std::string keys = directory.path() / "keys";
    std::unique_ptr<TestDaemon> daemon;

    void start(std::vector<std::string> settings = {}) {
        settings.push_back(R"(auth.mode = "tokens")");
        settings.push_back(fmt::format("auth.tokens_file = \"{}\"", tokens));
        settings.push_back(fmt::format("auth.signing_keys_file = \"{}\"", keys));
        daemon = std::make_unique<TestDaemon>(TestDaemon::Options{.settings = settings});
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(credentials, DaemonFixture)

BOOST_AUTO_TEST_CASE(every_form_of_http_credential_identifies_the_client_and_sets_the_site) {
    start();
    const std::string signed_here = new_token("s3");
    const std::string jwt = p256_key().token(R"({"alg":"ES256","kid":"p"})", R"({"sub":"s4"})");
    BOOST_TEST(curl({"--oauth2-bearer", token_1}) == "200");
    BOOST_TEST(curl({"--user", "s2:" + token_2}) == "200");
    BOOST_TEST(curl({"--user", token_1 + ":"}) == "200");
    BOOST_TEST(curl({"--header", "X-Rollcall-Site: s2", "--header",
                     "X-Rollcall-Token: " + token_2}) == "200");
    BOOST_TEST(curl({"--header", "X-Rollcall-Token: " + token_1}) == "200");
    BOOST_TEST(curl({}, "/update?login=4c:5e:0c:11:22:38&key=" + shared) == "200");
    BOOST_TEST(curl({"--oauth2-bearer", signed_here}, "/adopt/PATH") == "200");
    BOOST_TEST(curl({"--oauth2-bearer", jwt}) == "200");
    // A request without a body has its report in the query or in a header.
    BOOST_TEST(curl({"--get"}, "/poll?serial=QUERY&key=" + token_2) == "200");
    const std::string all = "s1 s2 s1 s2 s1 4c:5e:0c:11:22:38 s3 s4 s2";
    BOOST_TEST(sites(all) == all);
    nothing_secret_is_seen();
}

BOOST_AUTO_TEST_CASE(every_form_of_mqtt_credential_identifies_the_client_in_both_versions) {
    start();
    const std::string signed_here = new_token("s3");
    const std::string jwt = p256_key().token(R"({"alg":"ES256","kid":"p"})", R"({"sub":"s4"})");
    std::string all;
    for (const char* version : {"311", "5"}) {
        BOOST_TEST(publish({"-V", version, "-u", "s1", "-P", token_1}).status == 0);
        BOOST_TEST(publish({"-V", version, "-u", token_2}).status == 0);
        BOOST_TEST(publish({"-V", version, "-u", "4c:5e:1", "-P", shared}).status == 0);
        BOOST_TEST(publish({"-V", version, "-u", signed_here}).status == 0);
        BOOST_TEST(publish({"-V", version, "-u", "s4", "-P", jwt}).status == 0);
        all += all.empty() ? "" : " ";
        all += "s1 s2 4c:5e:1 s3 s4";
    }
    BOOST_TEST(sites(all) == all);
    nothing_secret_is_seen();
}

BOOST_AUTO_TEST_CASE(missing_and_wrong_credentials_are_refused_and_counted) {
    start();
    for (const auto& arguments :
         std::vector<std::vector<std::string>>{{"--oauth2-bearer", wrong},
                                               {"--user", "s1:" + wrong},
                                               {"--user", "s2:" + token_1},
                                               {"--header", "Authorization: Digest x"},
                                               {"--header", "X-Rollcall-Token: " + wrong},
                                               {"--oauth2-bearer", new_token("s3") + "x"}})
        BOOST_TEST(curl(arguments) == "401");
    BOOST_TEST(curl({}, "/update?login=s1&key=" + wrong) == "401");
    BOOST_TEST(rejected("http", "bad_credential") == 7);
    BOOST_TEST(curl({}) == "401");
    BOOST_TEST(curl({}, "/update?login=s1") == "401");
    BOOST_TEST(rejected("http", "no_credential") == 2);
    BOOST_TEST(curl({"--get"}, "/elsewhere") == "404");

    for (const auto& [version, none, bad] :
         {std::tuple("311", "not authorised", "bad user name or password"),
          std::tuple("5", "Not authorized", "Bad user name or password")}) {
        const auto lower = [](std::string text) {
            for (char& c : text) c = static_cast<char>(std::tolower(c));
            return text;
        };
        BOOST_TEST(lower(publish({"-V", version}).errors).find(lower(none)) != std::string::npos);
        const auto refused = publish({"-V", version, "-u", "s1", "-P", wrong});
        BOOST_TEST(refused.status != 0);
        BOOST_TEST(lower(refused.errors).find(lower(bad)) != std::string::npos, refused.errors);
    }
    BOOST_TEST(rejected("mqtt", "no_credential") == 2);
    BOOST_TEST(rejected("mqtt", "bad_credential") == 2);
    BOOST_TEST(daemon->query("SELECT COUNT(id) FROM site_checkins") == "0");
    nothing_secret_is_seen();
    // The log has one line per reason and minute. The factor 2 is for a test that spans two
    // minutes.
    BOOST_TEST(count(daemon->log(), "refused over http") <= 2 * 3);
    BOOST_TEST(count(daemon->log(), ": code=bad_credential count=") >= 2);
}

BOOST_AUTO_TEST_CASE(refusal_names_the_schemes_and_does_not_wait_for_the_body) {
    start();
    HttpClient client(daemon->http_port());
    client.send(
        "POST /v1/checkins HTTP/1.1\r\nHost: r\r\nExpect: 100-continue\r\nContent-Length: "
        "60000\r\n\r\n");
    const HttpResponse answer = client.receive();
    BOOST_TEST(answer.status == 401);
    BOOST_TEST(answer.head.find("WWW-Authenticate: Bearer realm=\"rollcall\"\r\n") !=
               std::string::npos);
    BOOST_TEST(answer.head.find("WWW-Authenticate: Basic realm=\"rollcall\"") != std::string::npos);
    BOOST_TEST(
        answer.body ==
        R"({"status":"error","code":"no_credential","message":"A token is required, for example in the Authorization header field or as the MQTT password."})");
}

BOOST_AUTO_TEST_CASE(each_request_of_a_connection_is_checked) {
    start();
    HttpClient client(daemon->http_port());
    const auto get = [&](const std::string& token) { return poll(client, token); };
    BOOST_TEST(get(token_1) == 200);
    BOOST_TEST(get(wrong) == 401);
    BOOST_TEST(get(token_2) == 200);
    BOOST_TEST(client.exchange("GET /poll?cpu=4 HTTP/1.1\r\nHost: r\r\n\r\n").status == 401);
    BOOST_TEST(get(token_1) == 200);
    BOOST_TEST(sites("s1 s2 s1") == "s1 s2 s1");
}

BOOST_AUTO_TEST_CASE(malformed_report_leaves_a_liveness_row_of_the_credentials_site) {
    start();
    HttpClient client(daemon->http_port());
    BOOST_TEST(client
                   .exchange("POST /adopt/PATH HTTP/1.1\r\nHost: r\r\nContent-Length: "
                             "1\r\nAuthorization: Bearer " +
                             token_1 + "\r\n\r\n{")
                   .status == 400);
    BOOST_TEST(sites("s1") == "s1");
}

BOOST_AUTO_TEST_CASE(reload_adds_and_removes_tokens_for_connected_clients_too) {
    start();
    const std::string login = packets::text("s1") + packets::text(token_1);
    const std::string other_login = packets::text("s2") + packets::text(token_2);
    TcpClient first(daemon->mqtt_port());
    first.send(packets::connect("c", {.flags = 0xC2, .behind_id = login}));
    BOOST_TEST(first.take(4) == std::string("\x20\x02\x00\x00", 4));
    TcpClient second(daemon->mqtt_port());
    second.send(packets::connect("c", {.flags = 0xC2, .behind_id = other_login}));
    BOOST_TEST(second.take(4) == std::string("\x20\x02\x00\x00", 4));
    HttpClient http(daemon->http_port());
    const auto get = [&](const std::string& token) { return poll(http, token); };
    BOOST_TEST(get(token_1) == 200);
    BOOST_TEST(get(wrong) == 401);

    write(tokens, "s2 " + sha256_hex(token_2) + "\ns5 " + sha256_hex(wrong) + "\n");
    reload();
    BOOST_TEST(get(token_1) == 401);
    BOOST_TEST(get(wrong) == 200);
    BOOST_TEST(first.ends_within(10s));
    second.send(packets::publish(4, 1, 7));
    BOOST_TEST(second.take(4) == packets::puback(7));

    // A malformed file must change nothing, and the log must name the malformed line.
    write(tokens, "s1 " + sha256_hex(token_1) + "\nnonsense\n");
    const double successes = count(daemon->log(), "reload: complete");
    reload();
    BOOST_TEST(count(daemon->log(), "reload: complete") == successes);
    BOOST_TEST(get(token_1) == 401);
    BOOST_TEST(get(wrong) == 200);
    const std::string why = tokens + ":2: the line must have the form: site [tenant] SHA-256";
    BOOST_TEST(daemon->log().find("reload: " + why) != std::string::npos);
    for (const char* page : {"/readyz", "/status", "/status.json"})
        BOOST_TEST(daemon->admin(page).body.find(why) != std::string::npos, page);
    BOOST_TEST(daemon->admin("/readyz").status == 200);
    BOOST_TEST(daemon->metric("rollcall_reload_errors_total") == 1);
    nothing_secret_is_seen();
    write(tokens, "s1 " + sha256_hex(token_1) + "\n");
    reload();
    BOOST_TEST(get(token_1) == 200);
    BOOST_TEST(daemon->admin("/readyz").body.find(why) == std::string::npos);
}

BOOST_AUTO_TEST_CASE(reload_reads_the_token_of_the_admin_pages_again) {
    const std::string path = directory.path() / "admin_token";
    write(path, "old\n");
    start({fmt::format("admin.token_file = \"{}\"", path)});
    const auto status = [this](const std::string& token) {
        return HttpClient(daemon->admin_port())
            .exchange("GET /readyz HTTP/1.1\r\nHost: r\r\nAuthorization: Bearer " + token +
                      "\r\n\r\n")
            .status;
    };
    BOOST_TEST(status("old") == 200);
    write(path, "new\n");
    reload();
    BOOST_TEST(status("old") == 401);
    BOOST_TEST(status("new") == 200);
    // A malformed file must change nothing.
    write(path, "two\ntokens\n");
    reload();
    BOOST_TEST(status("new") == 200);
    BOOST_TEST(status("two") == 401);
    BOOST_TEST(
        daemon->log().find("reload: " + path + ":2: the file must contain exactly one token") !=
        std::string::npos);
    std::filesystem::remove(path);
    reload();
    BOOST_TEST(status("new") == 200);
}

BOOST_AUTO_TEST_CASE(connection_ends_when_its_token_expires) {
    start();
    const std::string token = new_token("s3", {"--expires", "1s"});
    TcpClient client(daemon->mqtt_port());
    client.send(
        packets::connect("c", {.level = 5, .flags = 0x82, .behind_id = packets::text(token)}));
    BOOST_TEST(client.take(1) == "\x20");
    client.drop(static_cast<uint8_t>(client.take(1)[0]));
    const std::string rest = client.take_rest();
    BOOST_TEST(rest.starts_with(std::string("\xE0", 1)), rest);
    BOOST_TEST(rest[2] == '\x87');
    BOOST_TEST(curl({"--oauth2-bearer", token}) == "401");
    BOOST_TEST(rejected("http", "expired_credential") == 1);
    BOOST_TEST(rejected("mqtt", "expired_credential") == 1);
}

BOOST_AUTO_TEST_CASE(client_id_of_another_site_is_another_client) {
    start();
    const auto connect = [&](TcpClient& client, const std::string& token) {
        client.send(packets::connect("same", {.flags = 0x82, .behind_id = packets::text(token)}));
        BOOST_TEST(client.take(4) == std::string("\x20\x02\x00\x00", 4));
    };
    TcpClient first(daemon->mqtt_port());
    connect(first, token_1);
    TcpClient second(daemon->mqtt_port());
    connect(second, token_2);
    first.send(packets::publish(4, 1, 1));
    BOOST_TEST(first.take(4) == packets::puback(1));
    TcpClient third(daemon->mqtt_port());
    connect(third, token_1);
    BOOST_TEST(first.ends_within(10s));
}

BOOST_AUTO_TEST_CASE(will_belongs_to_the_credentials_site) {
    start();
    {
        TcpClient client(daemon->mqtt_port());
        client.send(packets::connect(
            "c", {.flags = 0x82 | 2 | packets::will_flag,
                  .behind_id = packets::will(4, "checkins/s2") + packets::text(token_1)}));
        BOOST_TEST(client.take(4) == std::string("\x20\x02\x00\x00", 4));
    }
    BOOST_TEST(daemon->query_until("s1|0", "SELECT site_id, online FROM site_checkins") == "s1|0");
}

BOOST_AUTO_TEST_CASE(anonymous_daemon_uses_the_site_in_the_report_and_stores_no_token) {
    daemon = std::make_unique<TestDaemon>();
    BOOST_TEST(curl({"--oauth2-bearer", token_1}) == "200");
    BOOST_TEST(curl({"--header", "X-Rollcall-Token: " + token_1, "--request", "POST", "--data",
                     ""}) == "200");
    BOOST_TEST(curl({}, "/update?login=4c:5e&key=" + token_1) == "200");
    BOOST_TEST(publish({"-u", "s1", "-P", token_1}).status == 0);
    BOOST_TEST(daemon->query_until("4", "SELECT COUNT(id) FROM site_checkins") == "4");
    nothing_secret_is_seen();
}

BOOST_AUTO_TEST_CASE(malformed_credential_file_prevents_the_start) {
    write(tokens, "nonsense\n");
    BOOST_CHECK_EXCEPTION(start(), std::runtime_error, [&](const std::runtime_error& error) {
        return std::string(error.what()).find(tokens + ":1: the line must have the form: site") !=
               std::string::npos;
    });
}

BOOST_AUTO_TEST_SUITE_END()
