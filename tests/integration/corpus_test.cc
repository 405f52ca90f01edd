// The corpus: bodies as routers send them. Each body has an entry in expect.json, which describes
// how to send it. The test sends the body to a new daemon over HTTP, and also over MQTT if an MQTT
// message can carry the same report. Then it checks the response, the counters and the rows.
//
// One case covers all files, or the files listed after `--` on the command line.
#define BOOST_BIND_GLOBAL_PLACEHOLDERS  // Without it, Boost 1.74 warns about its own includes.
#include <fmt/format.h>

#include <algorithm>
#include <boost/property_tree/json_parser.hpp>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "tests/support/mqtt_client.h"
#include "tests/support/test_daemon.h"

using namespace rollcall;
using boost::property_tree::ptree;

namespace {

const std::string tests = ROLLCALL_SOURCE_DIR "/tests/";

// The settings add the paths to which agents of other servers send. The single worker stores the
// rows in the order of the reports.
const TestDaemon::Options settings{.settings = {
                                       "workers = 1",
                                       R"(http.paths = ["/api/v1/agents/mikrotik/heartbeat-legacy",
                                           "/api/mikrotik/heartbeat", "/ping.php", "/checkin"])",
                                   }};

// A report that is sent after every case. When this report is stored, all earlier reports are
// stored, too.
constexpr std::string_view last_report = R"({"serial_number":"THE-LAST","cpu_count":1})";

// An entry of expect.json.
struct Entry {
    std::string folder;
    size_t number;
    ptree tree;

    [[nodiscard]] std::string get(const std::string& path) const { return tree.get(path, ""); }
    [[nodiscard]] std::string file() const { return get("file"); }
    [[nodiscard]] bool refused() const { return get("outcome") == "reject"; }
    // A refused report leaves a liveness row (only the sender and the reason) if its query or
    // header names the router.
    [[nodiscard]] bool seen() const { return tree.get("error.liveness", false); }
    [[nodiscard]] size_t rows() const {
        return refused() ? size_t{seen()} : tree.get("row.rows", size_t{1});
    }
    [[nodiscard]] std::set<std::string> warnings() const {
        std::set<std::string> all;
        for (const auto& [_, warning] : tree.get_child("warnings")) all.insert(warning.data());
        return all;
    }
    [[nodiscard]] std::string header(const std::string& name) const {
        // The separator is NUL instead of a dot, because the name of a header may contain dots.
        return tree.get_child("headers").get(ptree::path_type(name, '\0'), "");
    }

    [[nodiscard]] bool for_http() const { return get("content_type") != "mqtt"; }
    // Returns false for an entry that MQTT cannot carry. Such an entry has a Content-Type, or a
    // site of its own (in MQTT, the topic names the site). Returns false for an entry about the
    // size limit of a body, too, because MQTT has a limit of its own.
    [[nodiscard]] bool for_mqtt() const {
        return !for_http() || (file().ends_with(".json") && header("Content-Type").empty() &&
                               get("row.site_id").empty() && get("error.code") != "body_too_large");
    }
    [[nodiscard]] std::string content() const {
        std::ifstream stream(folder + file(), std::ios::binary);
        BOOST_REQUIRE_MESSAGE(stream, file() << " is not there");
        return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    }
};

std::vector<Entry> entries() {
    std::vector<Entry> read;
    for (const std::string& folder :
         {tests + "corpus/", tests + "corpus2/", tests + "corpus_scripts/"}) {
        ptree all;
        read_json(folder + "expect.json", all);
        size_t number = 0;
        for (const auto& [_, tree] : all.get_child("cases"))
            read.push_back({folder, number++, tree});
    }
    return read;
}

Entry entry_of(const std::string& file) {
    const auto all = entries();
    const auto found =
        std::ranges::find_if(all, [&](const Entry& entry) { return entry.file() == file; });
    BOOST_REQUIRE_MESSAGE(found != all.end(), file << " is not in expect.json");
    return *found;
}

// Returns the entry that this entry copies, or the entry itself. A copy is sent in the same way as
// its original.
Entry original_of(const Entry& entry) {
    const std::string original = entry.get("row.duplicate_of");
    return original.empty() ? entry : entry_of(original);
}

std::set<std::string> words_of(const std::string& list) {
    std::set<std::string> words;
    std::istringstream stream(list);
    for (std::string word; std::getline(stream, word, ',');) words.insert(word);
    return words;
}

std::string shown(const std::set<std::string>& words) {
    return fmt::format("[{}]", fmt::join(words, " "));
}

// Returns the bytes of a request. An ellipsis in the path of an entry stands for any characters.
std::string request_of(const Entry& entry, const std::string& content) {
    if (entry.file().ends_with(".http")) return content;
    std::string path = entry.header(":path");
    if (const size_t at = path.find("…"); at != path.npos) path.replace(at, 3, "0123");
    std::string head = fmt::format(
        "POST {} HTTP/1.1\r\nHost: rollcall\r\nContent-Type: {}\r\nContent-Length: {}\r\n",
        !path.empty()  ? path
        : entry.seen() ? "/v1/checkins?login=router"
                       : "/v1/checkins",
        entry.header("Content-Type").empty() ? entry.get("content_type")
                                             : entry.header("Content-Type"),
        content.size());
    for (const auto& [name, value] : entry.tree.get_child("headers"))
        if (!name.starts_with(':') && name != "Content-Type")
            head += fmt::format("{}: {}\r\n", name, value.data());
    return head + "\r\n" + content;
}

// Checks that a router can parse the response, and that its content is correct. replies_test checks
// the formats for agents of other servers.
void check_answer(const Entry& entry, const HttpResponse& answer) {
    BOOST_TEST(answer.status == entry.tree.get("error.status", 200));
    BOOST_TEST(answer.body.size() <= 1000);
    BOOST_TEST(std::ranges::all_of(answer.body, [](char c) { return c >= ' ' && c <= '~'; }));
    if (!entry.refused() && !original_of(entry).header(":path").empty()) return;
    ptree said;
    std::istringstream body(answer.body);
    read_json(body, said);
    if (entry.refused()) {
        BOOST_TEST(said.get("status", "") == "error");
        BOOST_TEST(said.get("code", "") == entry.get("error.code"));
        return;
    }
    BOOST_TEST(said.get("status", "") == "ok");
    BOOST_TEST(said.get("accepted", size_t{0}) == entry.rows());
    const ptree none;
    std::set<std::string> warnings;
    for (const auto& [_, warning] : said.get_child("warnings", none))
        warnings.insert(warning.data());
    BOOST_TEST(shown(warnings) == shown(entry.warnings()));
}

void send_over_http(const TestDaemon& daemon, const Entry& entry) {
    const Entry original = original_of(entry);
    if (original.number != entry.number)
        BOOST_TEST(HttpClient(daemon.http_port())
                       .exchange(request_of(original, original.content()))
                       .status == 200);
    HttpClient client(daemon.http_port());
    check_answer(entry, client.exchange(request_of(original, entry.content())));
}

void send_over_mqtt(const TestDaemon& daemon, const Entry& entry) {
    MqttClient client(daemon.mqtt_port(), "corpus");
    const bool retained = entry.file().find("retained") != std::string::npos;
    uint16_t packet_id = 0;
    for (const auto& file : std::set<std::string>{original_of(entry).file(), entry.file()}) {
        client.publish("checkins/router", entry_of(file).content(), ++packet_id, retained);
        BOOST_TEST(client.puback() == packet_id);  // MQTT 3.1.1 has no other response.
    }
}

void check_counters(const TestDaemon& daemon, const Entry& entry, std::string_view transport) {
    if (entry.refused())
        BOOST_TEST(daemon.metric(fmt::format(
                       R"(rollcall_checkins_rejected_total{{transport="{}",code="{}"}})", transport,
                       entry.get("error.code"))) == 1);
    for (const auto& warning : entry.warnings())
        BOOST_TEST(daemon.metric(fmt::format(R"(rollcall_checkins_warned_total{{code="{}"}})",
                                             warning.substr(0, warning.find(':')))) == 1);
    const bool copy = !entry.get("row.duplicate_of").empty();
    BOOST_TEST(daemon.metric("rollcall_checkins_duplicate_total") == (copy ? 1 : 0));
}

// Compares a row with its entry. The comparison runs in SQLite, where a text never equals a number.
void check_row(const TestDaemon& daemon, const Entry& entry, std::string_view rows) {
    const std::string members = daemon.query(
        "SELECT group_concat('''' || name || ''', ' || name, ', ')"
        " FROM pragma_table_info('site_checkins')");
    BOOST_TEST(daemon.query(fmt::format(
                   "SELECT wanted.key || ' is ' || ifnull(quote(made.value), 'no column') ||"
                   " ' instead of ' || quote(wanted.value)"
                   " FROM json_each(readfile('{}'), '$.cases[{}].row') AS wanted,"
                   " (SELECT json_object({}) AS columns {}) AS row"
                   " LEFT JOIN json_each(row.columns) AS made ON made.key = wanted.key"
                   " WHERE (made.key IS NULL OR made.value IS NOT wanted.value)"
                   " AND wanted.key NOT IN ('rows', 'duplicate_of')",
                   entry.folder + "expect.json", entry.number, members, rows)) == "");
    BOOST_TEST(shown(words_of(daemon.query(fmt::format("SELECT warnings {}", rows)))) ==
               shown(entry.warnings()));
}

// Checks that a refused report leaves a row with only its sender and the reason.
void check_seen(const TestDaemon& daemon, const Entry& entry, std::string_view rows) {
    const std::string kept = daemon.query(
        "SELECT group_concat('coalesce(' || name || ', '''')', '||') FROM"
        " pragma_table_info('site_checkins') WHERE name NOT IN"
        " ('id', 'site_id', 'received_at', 'online', 'transport', 'source_ip', 'warnings')");
    BOOST_TEST(daemon.query(fmt::format("SELECT site_id, online, warnings, {} {}", kept, rows)) ==
               fmt::format("router|1|{}|", entry.get("error.code")));
}

void check_rows(const TestDaemon& daemon, const Entry& entry) {
    BOOST_TEST(daemon.post(last_report).status == 200);
    constexpr std::string_view last = "SELECT COUNT(*) FROM site_checkins WHERE site_id='THE-LAST'";
    BOOST_REQUIRE(daemon.query_until("1", last) == "1");
    const std::string rows = "FROM site_checkins WHERE site_id <> 'THE-LAST'";
    BOOST_TEST(daemon.query("SELECT COUNT(*) " + rows) == std::to_string(entry.rows()));
    if (entry.rows() != 1) return;
    entry.refused() ? check_seen(daemon, entry, rows) : check_row(daemon, entry, rows);
}

std::vector<std::string> files_to_run() {
    const auto& suite = boost::unit_test::framework::master_test_suite();
    std::vector<std::string> files(suite.argv + 1, suite.argv + suite.argc);
    if (!files.empty()) return files;
    for (const auto& entry : entries()) files.push_back(entry.file());
    return files;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(corpus)

BOOST_AUTO_TEST_CASE(every_body_gives_the_expected_response_and_rows) {
    for (const auto& file : files_to_run()) {
        const Entry entry = entry_of(file);
        BOOST_TEST_REQUIRE((entry.for_http() || entry.for_mqtt()));
        if (entry.for_http()) {
            BOOST_TEST_CONTEXT(file << " over HTTP") {
                const TestDaemon daemon(settings);
                send_over_http(daemon, entry);
                check_rows(daemon, entry);
                check_counters(daemon, entry, "http");
            }
        }
        if (entry.for_mqtt()) {
            BOOST_TEST_CONTEXT(file << " over MQTT") {
                const TestDaemon daemon(settings);
                send_over_mqtt(daemon, entry);
                check_rows(daemon, entry);
                check_counters(daemon, entry, "mqtt");
            }
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
