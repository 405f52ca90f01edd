// TestDaemon: a rollcalld of its own in a temporary directory, on free ports of 127.0.0.1.
//
// It is the program an operator runs, started with a settings file and seen through its ports, its
// log, its exit status and the sqlite3 program.
//
// Errors: a daemon that does not start throws, with its log.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/http_client.h"
#include "tests/support/notify_socket.h"
#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

namespace rollcall {

// Long, for a daemon under a sanitizer on a busy machine; a test that passes never waits it out.
inline constexpr std::chrono::seconds patience{30};

// Returns the path of the program under test: that of this build, or the one that the environment
// variable ROLLCALLD names, so that tests of one build try the daemon of another.
[[nodiscard]] std::string rollcalld_path();

class TestDaemon {
public:
    struct Options {
        std::vector<std::string> settings = {};     // Lines of the file: "spool.sync = false".
        std::vector<std::string> arguments = {};    // Behind the others: "--set", "workers=1".
        std::vector<std::string> wrapper = {};      // Runs the daemon, as in {"strace", "-D"}.
        std::vector<std::string> environment = {};  // "NAME=value" each.
    };

    TestDaemon() : TestDaemon(Options{}) {}
    explicit TestDaemon(const Options& options);

    // The same state directory, new ports. launch() does not wait until the daemon is ready.
    void start();
    void launch();
    // SIGTERM; the exit status, or nothing if the daemon does not end.
    [[nodiscard]] std::optional<int> stop();
    void kill();  // SIGKILL.

    [[nodiscard]] uint16_t http_port() const { return port_of("http"); }
    [[nodiscard]] uint16_t mqtt_port() const { return port_of("mqtt"); }
    [[nodiscard]] uint16_t admin_port() const { return port_of("admin"); }
    // "https" or "mqtts", if the settings have their addresses.
    [[nodiscard]] uint16_t port_of(std::string_view protocol) const;

    // One request on a connection of its own.
    [[nodiscard]] HttpResponse post(std::string_view body) const;
    [[nodiscard]] HttpResponse admin(std::string_view path) const;
    // The value of a line of /metrics, such as `rollcall_sink_up{sink="sqlite"}`; -1 if not there.
    [[nodiscard]] double metric(std::string_view name) const;

    // What the sqlite3 program prints for a query on the daemon's database.
    [[nodiscard]] std::string query(std::string_view sql) const;
    // Waits until a query's answer is this, and returns the last answer.
    [[nodiscard]] std::string query_until(std::string_view answer, std::string_view sql) const;

    // Unless its settings say otherwise.
    [[nodiscard]] const std::filesystem::path& state_dir() const { return directory_.path(); }
    [[nodiscard]] Process& process() { return *process_; }
    [[nodiscard]] NotifySocket& notify_socket() { return notify_socket_; }
    [[nodiscard]] std::string log() const { return process_->errors(); }

private:
    TemporaryDirectory directory_;
    NotifySocket notify_socket_;
    std::vector<std::string> command_;
    std::vector<std::string> environment_;
    std::unique_ptr<Process> process_;
};

}  // namespace rollcall
