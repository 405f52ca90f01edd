// Two daemons that store into one table.
#include <fmt/core.h>
#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <thread>

#include "tests/support/mariadb_server.h"
#include "tests/support/test_daemon.h"

using namespace rollcall;

namespace {

struct Daemons {
    Daemons() {
        server.make_tables();
        std::ofstream(key) << "0123456789abcdef0123456789abcdef\n";
        chmod(key.c_str(), 0600);
    }
    [[nodiscard]] TestDaemon::Options options(const std::string& more) const {
        return {.settings = {R"(sinks = ["singlestore"])", "workers = 1",
                             fmt::format("singlestore.port = {}", server.port()),
                             R"(singlestore.user = "root")", R"(singlestore.database = "rollcall")",
                             more}};
    }
    // Sends one report through both daemons, then another report through the second daemon.
    void retry_through_both(const TestDaemon& one, const TestDaemon& other) const {
        const std::string report = R"({"serial":"HX1","uptime":"1d","cpu_load":5})";
        BOOST_TEST(one.post(report).status == 200);
        while (server.ask("SELECT COUNT(*) FROM site_checkins") != "1") std::this_thread::yield();
        BOOST_TEST(other.post(report).status == 200);
        BOOST_TEST(other.post(R"({"serial":"HX1","uptime":"2d"})").status == 200);
        while (server.ask("SELECT COUNT(*) FROM site_checkins WHERE uptime_s = 172800") != "1")
            std::this_thread::yield();
    }
    [[nodiscard]] std::string rows() const {
        return server.ask("SELECT COUNT(*) FROM site_checkins");
    }

    MariadbServer& server = mariadb_server();
    TemporaryDirectory directory;
    std::string key = directory.path() / "key";
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(shared_table, Daemons)

BOOST_AUTO_TEST_CASE(report_retried_through_another_daemon_with_the_same_key_is_one_row) {
    const std::string setting = fmt::format(R"(delivery.fingerprint_key_file = "{}")", key);
    const TestDaemon one(options(setting));
    const TestDaemon other(options(setting));
    retry_through_both(one, other);
    BOOST_TEST(rows() == "2");
}

BOOST_AUTO_TEST_CASE(daemons_with_keys_of_their_own_do_not_know_each_others_reports) {
    const TestDaemon one(options(""));
    const TestDaemon other(options(""));
    retry_through_both(one, other);
    BOOST_TEST(rows() == "3");
}

BOOST_AUTO_TEST_SUITE_END()
