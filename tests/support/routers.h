// Routers: a few routers that report as fast as they are answered, and remember what was
// acknowledged.
//
// Every report has a pair (serial_number, seq) that no other has, so the table shows whether a
// report is missing or stored twice. A router has several reports on the way at once and never
// sends one again: what was not acknowledged may be in the table or not, but only once.
//
// Threads: one for each router, between connect() and join(); the rest is called by the test.
#pragma once

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/test_daemon.h"

namespace rollcall {

class Routers {
public:
    Routers();

    // Each router connects and reports until its connection ends.
    void connect(const TestDaemon& daemon);
    void join();

    [[nodiscard]] uint64_t acknowledged() const;
    // What is wrong with the daemon's table, one line for each report; empty if nothing is.
    [[nodiscard]] std::string losses_and_repeats(const TestDaemon& daemon) const;

private:
    struct Router {
        std::string serial_number;
        uint64_t sent = 0;  // Reports 0 to sent - 1 may have been sent.
        std::vector<uint64_t> acknowledged{};
    };

    static void report_over_http(Router& router, uint16_t port);
    static void report_over_mqtt(Router& router, uint16_t port);

    std::vector<Router> over_http_;
    std::vector<Router> over_mqtt_;
    std::vector<std::thread> threads_;
};

}  // namespace rollcall
