// Database: a connection to SingleStore or MariaDB over MariaDB Connector/C.
//
// It uses the text protocol only, because statements prepared by the server are slow or missing in
// SingleStore. LOAD DATA LOCAL INFILE reads from memory; no file is ever opened, whatever a server
// asks for.
//
// A connection that has failed stays failed: discard it and connect again. The server rolls back
// what was not committed when it notices.
//
// Errors:  each explanation begins with the server's address and its answer, and ends with what to
//          do if that is known. The codes:
//            sink_down                the server cannot be reached, or does not let the user in
//            statement_failed         the server refused the statement
//            table_missing            a table that the statement names does not exist
//            row_...                  the table can never store a row of the statement (sink.h)
// Threads: one at a time. Calls block for as long as Options allow.
// Source:  https://mariadb.com/kb/en/mariadb-connector-c/, https://docs.singlestore.com "Connect
//          with C/C++"; libmariadb/ma_loaddata.c for what happens when a source fails.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "config/settings.h"
#include "pipeline/base/error.h"
#include "sinks/sql/ddl.h"
#include "sinks/sql/query.h"

struct st_mysql;

namespace rollcall {

class Database {
public:
    struct Options {
        std::string host;  // A path of a Unix socket if it begins with a slash.
        uint16_t port = 0;
        std::string user;
        std::string password;
        std::string database;  // Empty selects none.
        bool tls = false;
        std::string tls_ca;
        std::chrono::milliseconds connect_timeout{};
        std::chrono::milliseconds timeout{};  // Limit of one read or write.
    };

    // Writes the next bytes of a file to `to` and returns how many, at most `room` (the library's
    // buffer has 4 KiB). Returns 0 at the end, and no number if it fails.
    using Source = std::function<std::optional<size_t>(char* to, size_t room)>;

    [[nodiscard]] static Result<Database> connect(const Options& options);

    // Runs one statement.
    [[nodiscard]] Result<Rows> query(const std::string& sql);

    // Runs a LOAD DATA LOCAL INFILE with the bytes of the source instead of the file that it names.
    // Returns the number of new rows in the table. Fails if the source fails, but the server has
    // then loaded the bytes before as a whole file: roll back.
    [[nodiscard]] Result<uint64_t> load(const std::string& sql, const Source& source);

    // Returns how many rows the last statement matched for a change.
    [[nodiscard]] uint64_t affected() const;
    // Returns how many warnings the last statement has; the server counts up to 65,535.
    [[nodiscard]] unsigned warnings() const;

    // Returns what the server says it is: SingleStore or MariaDB.
    [[nodiscard]] SqlDialect dialect() const { return dialect_; }
    // Returns its version as the server spells it.
    [[nodiscard]] std::string_view version() const;

private:
    struct Close {
        void operator()(st_mysql* connection) const;
    };

    Database(st_mysql* connection, std::string server)
        : connection_(connection), server_(std::move(server)) {}
    [[nodiscard]] std::unexpected<Error> failure() const;
    void set_options(const Options& options);
    [[nodiscard]] Result<void> prepare_session();

    std::unique_ptr<st_mysql, Close> connection_;
    std::string server_;  // "127.0.0.1:3306", or the path of the socket.
    SqlDialect dialect_ = SqlDialect::mariadb;
};

// Returns how the settings say to connect; fails if the password cannot be read.
[[nodiscard]] Result<Database::Options> database_options(const Settings& settings);

// Returns the code for an error number of the server or of the library.
[[nodiscard]] Code code_of(unsigned number);

// Makes a server's answer fit for the log, because it may quote a router: replaces control
// characters by spaces and keeps at most 300 bytes.
[[nodiscard]] std::string in_one_line(std::string_view answer);

}  // namespace rollcall
