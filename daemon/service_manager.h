// ServiceManager: notifies systemd of the state of the daemon. Has no effect without systemd.
//
// No call blocks. If the service manager hangs, its socket becomes full. This object then keeps the
// state, and retry() sends it later. (libsystemd's sd_notify() would block.)
//
// Source: sd_notify(3), sd_watchdog_enabled(3).
// Threads: main.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace rollcall {

class ServiceManager {
public:
    ServiceManager();

    void ready();  // The sockets are open and the spool is recovered.
    // Extends systemd's timeout for the start by 30 s. Call this every second while the start waits
    // for something.
    void waiting(std::string_view status);
    void reloading(int64_t steady_us);  // A reload has begun; ready() ends it.
    void stopping();                    // The daemon accepts no more work.
    // Keeps the service's watchdog (WatchdogSec=) from restarting the daemon. Call it every second
    // while all threads make progress.
    void alive();
    // Sends the state that a full socket did not accept, if there is one. Call it every second.
    void retry();

private:
    void notify(std::string state);
    [[nodiscard]] bool send(std::string_view text) const;

    std::string socket_;  // $NOTIFY_SOCKET; empty without a service manager.
    bool watchdog_;       // True if $WATCHDOG_USEC is set.
    std::string unsent_;  // The last state if the socket was full, otherwise empty.
};

}  // namespace rollcall
