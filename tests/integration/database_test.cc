#include "sinks/sql/database.h"

#include <boost/test/unit_test.hpp>
#include <fstream>

#include "tests/support/free_port.h"
#include "tests/support/mariadb_server.h"

using namespace rollcall;

namespace {

using namespace std::chrono_literals;

MariadbServer& server() { return mariadb_server(); }

Database connected(const Database::Options& options) {
    auto database = Database::connect(options);
    BOOST_TEST_REQUIRE(database.has_value());
    return *std::move(database);
}

// Returns a source that yields the text in small pieces.
Database::Source source(std::string text) {
    return [text, at = size_t{0}](char* to, size_t room) mutable -> std::optional<size_t> {
        const size_t bytes = text.copy(to, std::min(room, size_t{3}), at);
        at += bytes;
        return bytes;
    };
}

std::string why_not(const Database::Options& options) {
    const auto refused = Database::connect(options);
    BOOST_TEST_REQUIRE(!refused.has_value());
    return describe(refused.error());
}

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

constexpr const char* load_pairs = "LOAD DATA LOCAL INFILE 'x' INTO TABLE pairs";

struct Pairs {
    Pairs() {
        server().make_database();
        server().ask("CREATE TABLE pairs (a INT, b VARCHAR(20)) ENGINE = InnoDB");
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(database, Pairs)

BOOST_AUTO_TEST_CASE(rows_are_returned_as_text_and_null_as_nullopt) {
    auto database = connected(server().options("rollcall"));
    BOOST_TEST((database.dialect() == SqlDialect::mariadb));
    BOOST_TEST(contains(std::string(database.version()), "MariaDB"));
    const auto rows = database.query("SELECT 1, NULL, '', 'a\\0b' UNION SELECT 2, 'x', 'é', '☕'");
    BOOST_TEST_REQUIRE(rows.has_value());
    const Rows wanted = {{"1", {}, "", std::string("a\0b", 3)}, {"2", "x", "é", "☕"}};
    BOOST_TEST((*rows == wanted));
    BOOST_TEST(database.query("SET @a = 1").value().empty());
}

BOOST_AUTO_TEST_CASE(rows_are_loaded_from_memory_whatever_the_file_is_called) {
    auto database = connected(server().options("rollcall"));
    BOOST_TEST(database.load(load_pairs, source("1\tone\n2\t\\N\n")).value() == 2);
    BOOST_TEST(server().ask("SELECT * FROM pairs ORDER BY a") == "1|one\n2|NULL");
    BOOST_TEST(database.load(load_pairs, source("")).value() == 0);
}

BOOST_AUTO_TEST_CASE(failure_of_the_source_is_an_error_and_its_rows_can_be_rolled_back) {
    auto database = connected(server().options("rollcall"));
    BOOST_TEST(database.query("BEGIN").has_value());
    int calls = 0;
    const auto loaded = database.load(load_pairs, [&](char* to, size_t) -> std::optional<size_t> {
        if (++calls > 1) return std::nullopt;
        return std::string("1\tone\n").copy(to, 100);
    });
    BOOST_TEST(!loaded.has_value());
    BOOST_TEST(database.query("ROLLBACK").has_value());
    BOOST_TEST(server().ask("SELECT COUNT(*) FROM pairs") == "0");
}

BOOST_AUTO_TEST_CASE(no_file_is_sent_even_if_the_server_requests_one) {
    const TemporaryDirectory directory;
    const std::string path = directory.path() / "secret";
    std::ofstream(path) << "1\tsecret\n";
    auto database = connected(server().options("rollcall"));
    BOOST_TEST(
        !database.query("LOAD DATA LOCAL INFILE '" + path + "' INTO TABLE pairs").has_value());
    // A statement that loads from a source reads only the source, even if the statement names a
    // file.
    BOOST_TEST(
        database.load("LOAD DATA LOCAL INFILE '" + path + "' INTO TABLE pairs", source("2\tours\n"))
            .has_value());
    BOOST_TEST(server().ask("SELECT a, b FROM pairs") == "2|ours");
}

BOOST_AUTO_TEST_CASE(each_error_names_the_setting_at_fault) {
    server().ask("CREATE OR REPLACE USER 'poor'@'%' IDENTIFIED BY 'right'");
    auto options = server().options("rollcall");
    options.user = "poor";
    options.password = "wrong";
    std::string said = why_not(options);
    BOOST_TEST(contains(said, "Access denied for user 'poor'"), said);
    BOOST_TEST(contains(said, "see singlestore.user and singlestore.password_file"), said);
    options.password = "right";
    said = why_not(options);
    BOOST_TEST(contains(said, "rollcalld schema show prints the rights"), said);

    options = server().options("nowhere");
    said = why_not(options);
    BOOST_TEST(contains(said, "Unknown database 'nowhere'; `rollcalld schema apply`"), said);

    options.port = free_port();
    said = why_not(options);
    BOOST_TEST(contains(said, "see singlestore.host and singlestore.port"), said);
    options.host = "no-such-host.invalid";
    BOOST_TEST(contains(why_not(options), "see singlestore.host"));
}

BOOST_AUTO_TEST_CASE(server_that_hangs_is_given_up_after_the_timeout) {
    auto options = server().options("rollcall");
    options.timeout = 1s;
    options.connect_timeout = 1s;
    auto database = connected(options);
    server().hang();
    const auto begin = std::chrono::steady_clock::now();
    BOOST_TEST(!database.query("SELECT 1").has_value());
    BOOST_TEST(!Database::connect(options).has_value());
    server().go_on();
    BOOST_TEST((std::chrono::steady_clock::now() - begin < 15s));
}

BOOST_AUTO_TEST_CASE(tls_connects_only_to_a_server_that_the_authority_signed) {
    const TemporaryDirectory directory;
    const auto path = [&](const char* name) { return (directory.path() / name).string(); };
    const auto make = [&](const std::vector<std::string>& command) {
        const auto made = run(command);
        BOOST_TEST_REQUIRE(made.status == 0, made.errors);
    };
    for (const char* const name : {"ours", "other"})
        make({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
              std::string("/CN=authority ") + name, "-keyout", path(name) + ".key", "-out",
              path(name) + ".pem"});
    make({"openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-addext",
          "subjectAltName=IP:127.0.0.1", "-keyout", path("server.key"), "-out", path("request")});
    std::ofstream(path("extensions")) << "subjectAltName=IP:127.0.0.1\n";
    make({"openssl", "x509", "-req", "-in", path("request"), "-CA", path("ours.pem"), "-CAkey",
          path("ours.key"), "-CAcreateserial", "-days", "2", "-extfile", path("extensions"), "-out",
          path("server.pem")});
    const MariadbServer secure(
        {"--ssl-cert=" + path("server.pem"), "--ssl-key=" + path("server.key")});

    auto options = secure.options();
    options.tls = true;
    options.tls_ca = path("ours.pem");
    auto database = connected(options);
    BOOST_TEST(database.query("SHOW STATUS LIKE 'Ssl_cipher'").value()[0][1].value() != "");
    options.tls_ca = path("other.pem");
    BOOST_TEST(contains(why_not(options), "see singlestore.tls and"), why_not(options));
    options.tls_ca = path("ours.pem");
    options.host = "localhost";  // The certificate does not contain this name.
    BOOST_TEST(contains(why_not(options), "see singlestore.tls and"), why_not(options));

    options = server().options();  // This server does not support TLS.
    options.tls = true;
    BOOST_TEST(contains(why_not(options), "see singlestore.tls and"), why_not(options));
}

BOOST_AUTO_TEST_SUITE_END()
