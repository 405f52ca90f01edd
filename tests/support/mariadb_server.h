// MariadbServer: a MariaDB server for tests, with a temporary data directory, on a free port of
// 127.0.0.1 and on a Unix socket. It can be killed and restarted with the same data.
//
// root logs in without a password, over the socket or the port.
//
// Errors:  a server that does not start throws an exception with its log.
// Threads: one, which must outlive the server, as for a Process.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "config/settings.h"
#include "sinks/sql/database.h"
#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

namespace rollcall {

class MariadbServer {
public:
    // arguments: further arguments for the server, for example "--max-connections=5".
    explicit MariadbServer(std::vector<std::string> arguments = {});

    void start();  // Reuses the port.
    void kill();   // SIGKILL: data that the server has not written is lost, as in a crash.
    void stop();   // A clean shutdown.
    void hang();   // Stops all threads of the server until go_on().
    void go_on();
    void send(int signal) const { process_->send(signal); }

    [[nodiscard]] uint16_t port() const { return port_; }
    [[nodiscard]] std::string socket() const { return directory_.path() / "socket"; }
    [[nodiscard]] const TemporaryDirectory& directory() const { return directory_; }

    // Returns the options for a TCP connection by root. `database` must exist or be empty.
    [[nodiscard]] Database::Options options(const std::string& database = "") const;
    // Returns settings for this server, with the user root and the database rollcall.
    [[nodiscard]] Settings settings() const;

    // make_database() creates an empty database. make_tables() creates a database with the daemon's
    // tables.
    void make_database(const std::string& database = "rollcall") const;
    void make_tables(const std::string& database = "rollcall") const;

    // Runs a query as root. Returns the rows as lines, with | between fields, and NULL as text.
    // Throws on errors.
    std::string ask(const std::string& sql, const std::string& database = "rollcall") const;

private:
    TemporaryDirectory directory_;
    uint16_t port_;
    std::vector<std::string> arguments_;
    // When a server starts, it deletes files in the temporary directory that look like its own. So
    // each server gets its own TMPDIR.
    std::vector<std::string> environment_;
    std::unique_ptr<Process> process_;
};

// Returns the server that the whole test program shares. The first call starts it. A test that
// stops this server must start it again.
[[nodiscard]] MariadbServer& mariadb_server();

}  // namespace rollcall
