// Routers: a few routers that report as fast as they are answered, and remember what was
// acknowledged.
//
// Every report has a pair (serial_number, seq) that no other has, so the table shows whether a
// report is missing or stored twice. A router has several reports on the way at once and never
// sends one again: what was not acknowledged may be in the table or not, but only once.
//
// Threads: one for each router, between connect() and join(); the rest is called by the test.
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
    using Stored = std::function<std::vector<uint64_t>(const std::string& serial_number)>;

    // name: begins the serial numbers, so that the routers of several objects differ.
    explicit Routers(const std::string& name = "");

    // Each router connects and reports until its connection ends.
    void connect(const TestDaemon& daemon);
    void join();
    // Each router waits for what it is still to be answered, and leaves.
    void disconnect();

    [[nodiscard]] uint64_t acknowledged() const;
    // The longest time that any of them waited for its next answer, on connections that ended too.
    [[nodiscard]] std::chrono::milliseconds longest_wait() const;
    // What is wrong with the daemon's table, one line for each report; empty if nothing is.
    [[nodiscard]] std::string losses_and_repeats(const TestDaemon& daemon) const;
    // The same of an SQLite file elsewhere.
    [[nodiscard]] std::string losses_and_repeats(const std::filesystem::path& database) const;
    // Returns what several SQLite files hold together, each row once. A file that is missing
    // holds nothing.
    [[nodiscard]] static Stored in_any_of(std::vector<std::filesystem::path> databases);
    // The same of another store: the `seq` of each row with this serial_number.
    [[nodiscard]] std::string losses_and_repeats(const Stored& stored) const;

private:
    struct Router {
        std::string serial_number;
        uint64_t sent = 0;  // Reports 0 to sent - 1 may have been sent.
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
