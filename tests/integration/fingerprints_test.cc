// The daemon recognizes repeated reports by a fingerprint, a hash with a secret key. Because of the
// key, no client can make the daemon mistake another client's report for a repetition.
#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <boost/test/unit_test.hpp>
#include <cctype>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "pipeline/base/hash.h"
#include "tests/support/mqtt_client.h"
#include "tests/support/test_daemon.h"
#include "tests/support/token_keys.h"

using namespace rollcall;

namespace {

// UnkeyedHash: the hash that fingerprints used before they had a key. It is XXH3_64bits_withSeed()
// for texts of 8 bytes. For this length the hash is a permutation of 64 bits, so a text with a
// given hash can be computed. Source: XXH3_len_4to8_64b() of xxHash 0.8, specified in
// doc/xxhash_spec.md.
class UnkeyedHash {
public:
    static uint64_t hash(std::string_view text, uint64_t seed) {
        return mixed(swapped(word(text)) ^ (flip() - widened(seed)));
    }
    static std::string text(uint64_t hash, uint64_t seed) {
        const uint64_t bytes = swapped(unmixed(hash) ^ (flip() - widened(seed)));
        std::string result(sizeof bytes, '\0');
        std::memcpy(result.data(), &bytes, sizeof bytes);
        return result;
    }
    // Returns the fingerprint of a text of 8 bytes as the intake computed it with this hash.
    static uint64_t fingerprint(std::string_view text, uint64_t seed) {
        return std::max<uint64_t>(hash(text, seed) >> 1, 1);
    }
    static uint64_t site(std::string_view name) { return stable_hash(name) >> 1; }

private:
    static constexpr uint64_t multiplier = 0x9FB21C651E98DF25;
    static constexpr size_t bytes = 8;

    static uint64_t word(std::string_view text) {
        BOOST_REQUIRE(text.size() == bytes);
        uint64_t value = 0;
        std::memcpy(&value, text.data(), bytes);
        return value;
    }
    static uint64_t swapped(uint64_t value) { return std::rotl(value, 32); }
    static uint64_t widened(uint64_t seed) {
        return seed ^ uint64_t { __builtin_bswap32(static_cast<uint32_t>(seed)) } << 32;
    }
    // Computes a constant of the hash from the hash of one text.
    static uint64_t flip() { return unmixed(stable_hash("12345678")) ^ swapped(word("12345678")); }
    static uint64_t rotated(uint64_t value) {
        return value ^ std::rotl(value, 49) ^ std::rotl(value, 24);
    }
    static uint64_t mixed(uint64_t value) {
        value = rotated(value) * multiplier;
        value ^= (value >> 35) + bytes;
        value *= multiplier;
        return value ^ value >> 28;
    }
    static uint64_t unmixed(uint64_t value) {
        uint64_t inverse = 1;  // Inverse of the multiplier, by Newton's iteration.
        for (int round = 0; round < 6; ++round) inverse *= 2 - multiplier * inverse;
        value = (value ^ value >> 28 ^ value >> 56) * inverse;
        value ^= (value >> 35) + bytes;
        value *= inverse;
        // 64 calls of rotated() return the value unchanged, so 63 calls undo one call.
        for (int round = 0; round < 63; ++round) value = rotated(value);
        return value;
    }
};

bool is_plain(std::string_view text) {
    return std::ranges::all_of(text, [](char letter) {
        return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '-' ||
               letter == '_' || letter == '.';
    });
}

struct Tenants {
    Tenants() { add("victim", "tenant-1"); }

    void add(const std::string& site, const std::string& tenant) {
        lines += fmt::format("{} {} {}\n", site, tenant, sha256_hex("token-of-" + site));
        std::ofstream(path) << lines;
        chmod(path.c_str(), 0600);
    }
    [[nodiscard]] TestDaemon::Options options() const {
        return {.settings = {R"(auth.mode = "tokens")",
                             fmt::format(R"(auth.tokens_file = "{}")", path), "workers = 1"}};
    }
    // Returns the body of the response.
    static std::string send(const TestDaemon& daemon, const std::string& site,
                            std::string_view body, const std::string& target = "/v1/checkins",
                            const std::string& fields = "") {
        HttpClient client(daemon.http_port());
        return client
            .exchange(fmt::format("POST {} HTTP/1.1\r\nHost: r\r\nAuthorization: Bearer token-of-{}"
                                  "\r\n{}Content-Length: {}\r\n\r\n{}",
                                  target, site, fields, body.size(), body))
            .body;
    }

    TemporaryDirectory directory;
    std::string path = directory.path() / "tokens";
    std::string lines;
};

constexpr const char* rows_of_victim =
    "SELECT COUNT(*) FROM site_checkins WHERE site_id = 'victim'";

std::string key_of(const TestDaemon& daemon) {
    std::ifstream file(daemon.state_dir() / "fingerprint_key");
    return {std::istreambuf_iterator<char>(file), {}};
}

void write(const std::string& path, std::string_view content, mode_t mode = 0600) {
    std::ofstream(path) << content;
    chmod(path.c_str(), mode);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fingerprints)

BOOST_AUTO_TEST_CASE(known_idempotency_key_lets_nobody_suppress_a_report) {
    Tenants tenants;
    const std::string known = "order-17";
    const uint64_t target = UnkeyedHash::hash(known, UnkeyedHash::site("victim"));
    std::string site;
    std::string forged;
    for (int number = 0; forged.empty(); ++number) {
        site = fmt::format("attacker-{}", number);
        for (const uint64_t last_bit : {0, 1}) {
            const std::string key =
                UnkeyedHash::text((target & ~uint64_t{1}) | last_bit, UnkeyedHash::site(site));
            if (is_plain(key)) forged = key;
        }
    }
    tenants.add(site, "tenant-2");
    const TestDaemon daemon(tenants.options());
    const auto with_key = [](const std::string& key) { return "Idempotency-Key: " + key + "\r\n"; };
    (void)tenants.send(daemon, site, "cpu-load=1", "/v1/checkins", with_key(forged));
    (void)tenants.send(daemon, "victim", "cpu-load=2", "/v1/checkins", with_key(known));
    BOOST_TEST(daemon.query_until("2", "SELECT COUNT(*) FROM site_checkins") == "2", site + forged);
    BOOST_TEST(daemon.query(rows_of_victim) == "1");
}

BOOST_AUTO_TEST_CASE(predicted_report_lets_nobody_suppress_it) {
    Tenants tenants;
    const std::string predicted = "seq=4711";
    const uint64_t target = UnkeyedHash::hash(predicted, UnkeyedHash::site("victim"));
    std::string site;
    std::string body;
    std::string query;
    // In fingerprints without a key, the hash of the body was the seed for the hash of the query.
    // For each seed there is a query whose hash is `target`. Search for a body whose hash gives a
    // query of plain characters.
    for (int number = 0; query.empty(); ++number) {
        site = fmt::format("attacker-{}", number);
        for (int seq = 1000; seq < 10'000 && query.empty(); ++seq) {
            body = fmt::format("seq={}", seq);
            const uint64_t seed = UnkeyedHash::fingerprint(body, UnkeyedHash::site(site));
            for (const uint64_t last_bit : {0, 1}) {
                const std::string text =
                    UnkeyedHash::text((target & ~uint64_t{1}) | last_bit, seed);
                if (is_plain(text)) query = text;
            }
        }
    }
    tenants.add(site, "tenant-2");
    const TestDaemon daemon(tenants.options());
    (void)tenants.send(daemon, site, body, "/v1/checkins?" + query);
    (void)tenants.send(daemon, "victim", predicted);
    BOOST_TEST(daemon.query_until("2", "SELECT COUNT(*) FROM site_checkins") == "2", site + query);
    BOOST_TEST(daemon.query(rows_of_victim) == "1");
    // A repetition by the victim must still be recognized.
    (void)tenants.send(daemon, "victim", predicted);
    (void)tenants.send(daemon, "victim", "seq=4712");
    BOOST_TEST(daemon.query_until("2", rows_of_victim) == "2");
    BOOST_TEST(daemon.query("SELECT DISTINCT tenant FROM site_checkins ORDER BY tenant") ==
               "tenant-1\ntenant-2");
}

BOOST_AUTO_TEST_CASE(one_payload_on_five_topics_of_one_client_is_five_checkins) {
    const TestDaemon daemon({.settings = {R"(mqtt.topics = ["bridge/#"])"}});
    MqttClient bridge(daemon.mqtt_port(), "bridge");
    const std::string_view payload = R"({"serial":"HX1","uptime":"1d","cpu_load":5})";
    uint16_t packet_id = 0;
    for (const char* topic :
         {"bridge/1", "bridge/2", "bridge/3", "bridge/4", "bridge/5", "bridge/5"})
        bridge.publish(topic, payload, ++packet_id);
    for (uint16_t answer = 1; answer <= packet_id; ++answer) BOOST_TEST(bridge.puback() == answer);
    bridge.publish("bridge/1", R"({"serial":"last"})", ++packet_id);
    BOOST_TEST(bridge.puback() == packet_id);
    BOOST_TEST(daemon.query_until("6", "SELECT COUNT(*) FROM site_checkins") == "6");
}

BOOST_AUTO_TEST_CASE(one_payload_at_two_paths_is_two_checkins) {
    const TestDaemon daemon({.settings = {R"(http.paths = ["/one", "/other"])"}});
    const auto post = [&](std::string_view path) {
        HttpClient client(daemon.http_port());
        return client.exchange(post_request(R"({"serial":"HX1","uptime":"1d"})", path)).status;
    };
    for (const char* path : {"/one", "/other", "/adopt/1", "/adopt/2", "/adopt/2", "/one"})
        BOOST_TEST(post(path) == 200);
    BOOST_TEST(daemon.post("serial=last").status == 200);
    BOOST_TEST(daemon.query_until("5", "SELECT COUNT(*) FROM site_checkins") == "5");
}

BOOST_AUTO_TEST_CASE(restored_state_directory_still_knows_the_last_reports) {
    const std::string report = R"({"serial":"HX1","uptime":"1d","cpu_load":5})";
    TestDaemon daemon;
    BOOST_TEST(daemon.post(report).status == 200);
    BOOST_TEST(daemon.query_until("1", "SELECT COUNT(*) FROM site_checkins") == "1");
    BOOST_TEST(daemon.stop().value_or(-1) == 0);
    const std::string key = key_of(daemon);
    BOOST_TEST(key.size() == 65);
    struct stat file{};
    BOOST_TEST(stat((daemon.state_dir() / "fingerprint_key").c_str(), &file) == 0);
    BOOST_TEST((file.st_mode & 0777) == 0600);

    const TemporaryDirectory backup;
    namespace fs = std::filesystem;
    for (const char* name : {"fingerprint_key", "rollcall.db", "spool"}) {
        fs::copy(daemon.state_dir() / name, backup.path() / name, fs::copy_options::recursive);
        fs::remove_all(daemon.state_dir() / name);
        fs::copy(backup.path() / name, daemon.state_dir() / name, fs::copy_options::recursive);
    }
    daemon.start();
    BOOST_TEST(key_of(daemon) == key);
    BOOST_TEST(daemon.post(report).status == 200);
    BOOST_TEST(daemon.post(R"({"serial":"HX1","uptime":"2d"})").status == 200);
    BOOST_TEST(daemon.query_until("2", "SELECT COUNT(*) FROM site_checkins") == "2");
}

BOOST_AUTO_TEST_CASE(missing_short_or_readable_key_file_prevents_the_start) {
    const TemporaryDirectory directory;
    const std::string path = directory.path() / "key";
    const auto run_with = [&](std::string_view command) {
        return run({rollcalld_path(), std::string(command), "--set",
                    "delivery.fingerprint_key_file=" + path, "--set",
                    "state_dir=" + (directory.path() / "state").string()});
    };
    const auto refused = [&](std::string_view reason) {
        for (const char* command : {"serve", "check"}) {
            const Finished finished = run_with(command);
            BOOST_TEST(finished.status == 78);
            BOOST_TEST(finished.errors.find(path + ": " + std::string(reason)) != std::string::npos,
                       finished.errors);
        }
    };
    refused("No such file or directory");
    write(path, "short");
    refused("has 5 bytes, but a key has 32 to 4096");
    write(path, std::string(40, 'k'), 0644);
    refused("can be used by everyone on this machine; chmod o-rwx");
    write(path, std::string(40, 'k'));
    BOOST_TEST(run_with("check").status == 0);
}

BOOST_AUTO_TEST_SUITE_END()
