// MariadbServer: a MariaDB of the test's own, with a data directory that goes with it, on a free
// port of 127.0.0.1 and on a Unix socket. It can be killed and started again on the same data.
//
// root logs in without a password, over the socket or the port.
//
// Errors:  a server that does not start throws, with its log.
// Threads: one, which must outlive it, as of a Process.
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
    // arguments: besides its own, such as "--max-connections=5".
    explicit MariadbServer(std::vector<std::string> arguments = {});

    void start();  // On the same port.
    void kill();   // SIGKILL: what it did not sync is lost as in a crash.
    void stop();   // As an operator stops it.
    void hang();   // No thread of it runs any more, until go_on().
    void go_on();
    void send(int signal) const { process_->send(signal); }

    [[nodiscard]] uint16_t port() const { return port_; }
    [[nodiscard]] std::string socket() const { return directory_.path() / "socket"; }
    [[nodiscard]] const TemporaryDirectory& directory() const { return directory_; }

    // How root connects, over TCP; database: one that is there, or none.
    [[nodiscard]] Database::Options options(const std::string& database = "") const;
    // Settings that name this server, with root and the database rollcall.
    [[nodiscard]] Settings settings() const;

    // An empty database of that name, or one with the daemon's tables.
    void make_database(const std::string& database = "rollcall") const;
    void make_tables(const std::string& database = "rollcall") const;

    // root's query: the rows as lines, fields with | between, NULL as NULL. Throws what goes wrong.
    std::string ask(const std::string& sql, const std::string& database = "rollcall") const;

private:
    TemporaryDirectory directory_;
    uint16_t port_;
    std::vector<std::string> arguments_;
    // A server that starts deletes what it takes for its own in the directory for temporary files.
    std::vector<std::string> environment_;
    std::unique_ptr<Process> process_;
};

// One for all of a test program, started when it is first asked for. Who stops it starts it again.
[[nodiscard]] MariadbServer& mariadb_server();

}  // namespace rollcall
