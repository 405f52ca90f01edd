// Database: a connection to SingleStore or MariaDB, over MariaDB Connector/C.
//
// Text protocol only: statements prepared by the server are slow or missing in SingleStore. LOAD
// DATA LOCAL INFILE reads from memory; no file is ever opened, whatever a server asks for.
//
// A connection that has failed stays failed: throw it away and connect anew. What was not committed
// is rolled back by the server when it notices.
//
// Source: https://mariadb.com/kb/en/mariadb-connector-c/, https://docs.singlestore.com "Connect
// with C/C++"; libmariadb/ma_loaddata.c for what happens when a source fails. Threads: one at a
// time. Calls block for as long as Options allow.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "config/metrics.h"
#include "config/settings.h"
#include "sinks/sql/ddl.h"
#include "sinks/sql/query.h"

struct st_mysql;

namespace rollcall {

class Database {
public:
    struct Options {
        std::string host;  // Begins with a slash: the path of a Unix socket.
        uint16_t port = 0;
        std::string user;
        std::string password;
        std::string database;  // Empty: none.
        bool tls = false;
        std::string tls_ca;
        std::chrono::milliseconds connect_timeout{};
        std::chrono::milliseconds timeout{};  // Of one read or write.
    };

    struct Problem {
        unsigned number;      // As the server or the library numbers it.
        std::string message;  // In their words.
        bool missing_table = false;
    };
    template <class T>
    using Outcome = std::expected<T, Problem>;

    // Writes the next bytes to where so much room is, at most 4 KiB by the library's own buffer.
    // Returns how many; 0: the end; nothing: it failed.
    using Source = std::function<std::optional<size_t>(char* to, size_t room)>;

    [[nodiscard]] static Outcome<Database> connect(const Options& options);

    // One statement.
    [[nodiscard]] Outcome<Rows> query(const std::string& sql);

    // A LOAD DATA LOCAL INFILE, whatever file it names. If the source failed, so does this; but the
    // server has then taken what came before for all there is: roll back.
    // Returns the rows that are new in the table.
    [[nodiscard]] Outcome<uint64_t> load(const std::string& sql, const Source& source);

    // Rows that the last statement found to change.
    [[nodiscard]] uint64_t affected() const;
    // Of the last statement; beyond 65,535 they are not counted.
    [[nodiscard]] unsigned warnings() const;

    // SingleStore or MariaDB, as the server says.
    [[nodiscard]] SqlDialect dialect() const { return dialect_; }
    // Its version, in its own words.
    [[nodiscard]] std::string_view version() const;

private:
    struct Close {
        void operator()(st_mysql* connection) const;
    };

    explicit Database(st_mysql* connection) : connection_(connection) {}
    [[nodiscard]] std::unexpected<Problem> problem() const;
    [[nodiscard]] Outcome<void> prepare_session();

    std::unique_ptr<st_mysql, Close> connection_;
    SqlDialect dialect_ = SqlDialect::mariadb;
};

// How the settings say to connect; or why the password cannot be read.
[[nodiscard]] std::expected<Database::Options, std::string> database_options(
    const Settings& settings);

// Why the database will never take a row, if an error or a warning with this number says so;
// nothing if it may take it another time, or if the number says nothing about rows.
[[nodiscard]] std::optional<DeadReason> refusal_of(unsigned number);

// What a server says, fit for the log: it may quote a router. Control characters are spaces, and at
// most 300 bytes stay.
[[nodiscard]] std::string in_one_line(std::string_view said);

// "127.0.0.1:3306: Access denied for user 'x'@'localhost'", and what to do, where that is known.
[[nodiscard]] std::string sentence(const Database::Options& options,
                                   const Database::Problem& problem);

}  // namespace rollcall
