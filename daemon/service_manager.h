// ServiceManager: notifies systemd of the state of the daemon. Has no effect without systemd.
//
// No call blocks. (libsystemd's sd_notify() would block if the service manager hangs and its socket
// is full.) If a state could not be sent, the next call sends it.
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
    // Call this every second while the start waits for something, so that the service manager
    // waits, too.
    void waiting(std::string_view status);
    void reloading(int64_t steady_us);  // A reload has begun; ready() ends it.
    void stopping();                    // The daemon accepts no more work.
    // Keeps the service's watchdog (WatchdogSec=) from restarting the daemon. Call it every second
    // while all threads make progress.
    void alive();
    // Sends a state that could not be sent before. Call it every second.
    void retry();

private:
    void notify(std::string state);
    [[nodiscard]] bool send(std::string_view text) const;

    std::string socket_;  // $NOTIFY_SOCKET; empty without a service manager.
    bool watchdog_;       // True if $WATCHDOG_USEC is set.
    std::string unsent_;  // The last state, if it could not be sent yet.
};

}  // namespace rollcall
