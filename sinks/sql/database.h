// Database: a connection to SingleStore or MariaDB, made with MariaDB Connector/C.
//
// Only the text protocol is used, because prepared statements are slow or missing in SingleStore.
// LOAD DATA LOCAL INFILE reads from memory. No file is ever opened, even if a server requests one.
//
// A connection that has failed cannot be used again: discard it and connect again. When the server
// notices that the connection is closed, it rolls back the uncommitted changes.
//
// Errors:  each explanation begins with the server's address and answer. It ends with the remedy
//          if one is known. The codes:
//            sink_down                the server cannot be reached, or refuses the login
//            statement_failed         the server refused the statement
//            table_missing            a table that the statement names does not exist
//            row_...                  the table can never store a row of the statement (sink.h)
// Threads: one at a time. Calls block for as long as the timeouts in Options allow.
// Source:  https://mariadb.com/kb/en/mariadb-connector-c/, https://docs.singlestore.com "Connect
//          with C/C++"; libmariadb/ma_loaddata.c for the effect of a failing source.
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
        std::string host;  // A host name, or the path of a Unix socket, which begins with a slash.
        uint16_t port = 0;
        std::string user;
        std::string password;
        std::string database;  // If it is empty, no database is selected.
        bool tls = false;
        std::string tls_ca;
        std::chrono::milliseconds connect_timeout{};
        std::chrono::milliseconds timeout{};  // Limit for one read or write.
    };

    // Writes the next bytes of the loaded file to `to`. Returns the number of these bytes, which is
    // at most `room` (the library's buffer has 4 KiB). Returns 0 at the end of the file, and
    // nothing if the source fails.
    using Source = std::function<std::optional<size_t>(char* to, size_t room)>;

    [[nodiscard]] static Result<Database> connect(const Options& options);

    [[nodiscard]] Result<Rows> query(const std::string& sql);

    // Runs a LOAD DATA LOCAL INFILE. The source provides the bytes in place of the file that the
    // statement names. Returns the number of new rows in the table. Fails if the server refuses the
    // statement, or if the source fails. If the source fails, the server has loaded the bytes
    // before the failure as if they were the whole file. The caller must then roll back.
    [[nodiscard]] Result<uint64_t> load(const std::string& sql, const Source& source);

    // Returns the number of rows that the last statement affected. For an UPDATE, this is the
    // number of rows that match its condition.
    [[nodiscard]] uint64_t affected() const;
    // Returns the number of warnings of the last statement. The server counts up to 65,535.
    [[nodiscard]] unsigned warnings() const;

    // Returns the product that the server reports: SingleStore or MariaDB.
    [[nodiscard]] SqlDialect dialect() const { return dialect_; }
    // Returns the version in the server's own spelling.
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
    std::string server_;  // An address such as "127.0.0.1:3306", or the path of the socket.
    SqlDialect dialect_ = SqlDialect::mariadb;
};

// Returns the options according to the settings. Fails if the password cannot be read.
[[nodiscard]] Result<Database::Options> database_options(const Settings& settings);

// Returns the code for an error number from the server or the library.
[[nodiscard]] Code code_of(unsigned number);

// Makes a server's answer safe for the log, because it may quote text from a router. Replaces
// control characters by spaces and keeps at most 300 bytes.
[[nodiscard]] std::string in_one_line(std::string_view answer);

}  // namespace rollcall
