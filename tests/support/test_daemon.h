// TestDaemon: a rollcalld process in a temporary directory, on free ports of 127.0.0.1.
//
// Tests start the real program with a settings file, and observe its ports, its log, its exit
// status and its database (with the sqlite3 program).
//
// Errors: a daemon that does not start throws an exception with its log.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/support/http_client.h"
#include "tests/support/notify_socket.h"
#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

namespace rollcall {

// Maximum time to wait: enough for a daemon with a sanitizer on a busy machine. A test that passes
// never waits for so long.
inline constexpr std::chrono::seconds patience{30};

// Waits until a condition holds, for at most `patience`. Returns whether it holds.
template <class Condition>
bool before_long(const Condition& holds) {
    constexpr std::chrono::milliseconds step{20};
    for (auto left = patience / step; left > 0 && !holds(); --left)
        std::this_thread::sleep_for(step);
    return holds();
}

// Returns the path of the program under test. The default is the daemon of this build. The
// environment variable ROLLCALLD sets another path, so that the tests of one build can test the
// daemon of another build.
[[nodiscard]] std::string rollcalld_path();

class TestDaemon {
public:
    struct Options {
        std::vector<std::string> settings = {};   // Lines of settings: "spool.sync = false".
        std::vector<std::string> arguments = {};  // Added at the end: "--set", "workers=1".
        std::vector<std::string> wrapper = {};    // Command that runs the daemon: {"strace", "-D"}.
        std::vector<std::string> environment = {};  // Variables, "NAME=value" each.
    };

    TestDaemon() : TestDaemon(Options{}) {}
    explicit TestDaemon(const Options& options);

    // Start the daemon again with the same state directory and new ports. start() waits until the
    // daemon is ready; launch() does not.
    void start();
    void launch();
    // Sends SIGTERM. Returns the exit status, or nothing if the daemon does not exit in time.
    [[nodiscard]] std::optional<int> stop();
    void kill();  // SIGKILL.

    [[nodiscard]] uint16_t http_port() const { return port_of("http"); }
    [[nodiscard]] uint16_t mqtt_port() const { return port_of("mqtt"); }
    [[nodiscard]] uint16_t admin_port() const { return port_of("admin"); }
    // `protocol` may also be "https" or "mqtts" if the settings have such listeners.
    [[nodiscard]] uint16_t port_of(std::string_view protocol) const;

    // post() and admin() send one request on a new connection.
    [[nodiscard]] HttpResponse post(std::string_view body) const;
    [[nodiscard]] HttpResponse admin(std::string_view path) const;
    // Returns the value of a metric in /metrics, such as `rollcall_sink_up{sink="sqlite"}`; -1 if
    // the metric is missing.
    [[nodiscard]] double metric(std::string_view name) const;

    // Runs a query on the daemon's database with the sqlite3 program and returns its output.
    [[nodiscard]] std::string query(std::string_view sql) const;
    // Repeats a query until it returns `answer` or `patience` is over. Returns the last result.
    [[nodiscard]] std::string query_until(std::string_view answer, std::string_view sql) const;

    // Returns the default state directory, which the settings may override.
    [[nodiscard]] const std::filesystem::path& state_dir() const { return directory_.path(); }
    [[nodiscard]] Process& process() { return *process_; }
    [[nodiscard]] NotifySocket& notify_socket() { return notify_socket_; }
    [[nodiscard]] std::string log() const { return process_->errors(); }
    // Returns whether the log contains a text. Waits for the text, because a separate thread of the
    // daemon writes the log.
    [[nodiscard]] bool says(std::string_view text) const;

private:
    TemporaryDirectory directory_;
    NotifySocket notify_socket_;
    std::vector<std::string> command_;
    std::vector<std::string> environment_;
    std::unique_ptr<Process> process_;
};

}  // namespace rollcall
