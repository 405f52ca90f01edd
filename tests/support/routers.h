// Routers: a few routers that report in a closed loop and remember which reports were acknowledged.
//
// Every report has a unique pair (identity, seq), so the table shows whether a report is
// missing or stored twice. A router may have several unacknowledged reports at a time and never
// repeats a report. An unacknowledged report may be in the table once, or not at all.
//
// Threads: each router has a thread between connect() and join(). The test's thread calls all
// functions.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/test_daemon.h"

namespace rollcall {

class Routers {
public:
    using Stored = std::function<std::vector<uint64_t>(const std::string& router)>;

    // name: the prefix of the routers' names, so that the routers of several objects differ.
    explicit Routers(const std::string& name = "");

    // Connects each router, which reports until its connection ends.
    void connect(const TestDaemon& daemon);
    void join();
    // Waits for the outstanding responses of each router, then disconnects it.
    void disconnect();

    [[nodiscard]] uint64_t acknowledged() const;
    // Returns the longest wait of any router for a response, on its open or closed connections.
    [[nodiscard]] std::chrono::milliseconds longest_wait() const;
    // Returns the reports that the daemon's table has lost or contains twice, one per line; empty
    // if there are none.
    [[nodiscard]] std::string losses_and_repeats(const TestDaemon& daemon) const;
    // Checks the SQLite file at this path in the same way.
    [[nodiscard]] std::string losses_and_repeats(const std::filesystem::path& database) const;
    // Returns the rows of several SQLite files, each row once. A missing file has no rows.
    [[nodiscard]] static Stored in_any_of(std::vector<std::filesystem::path> databases);
    // Checks any store in the same way. `stored` must return the `seq` of each row whose
    // `identity` is the name of a given router.
    [[nodiscard]] std::string losses_and_repeats(const Stored& stored) const;

private:
    struct Router {
        std::string name;
        uint64_t sent = 0;  // No report with this number or a higher one was sent.
        std::vector<uint64_t> acknowledged{};
        std::chrono::steady_clock::time_point answered{};
        std::chrono::steady_clock::duration longest_wait{};

        void connected() { answered = std::chrono::steady_clock::now(); }
        void heard();
    };

    void report_over_http(Router& router, uint16_t port);
    void report_over_mqtt(Router& router, uint16_t port);

    std::vector<Router> over_http_;
    std::vector<Router> over_mqtt_;
    std::atomic<bool> leaving_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace rollcall
