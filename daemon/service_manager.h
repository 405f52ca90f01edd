// Service manager: notifies systemd of the state of the daemon. Has no effect without systemd.
//
// Source: sd_notify(3).
// Threads: main.
#pragma once

#include <cstdint>

namespace rollcall::service_manager {

void ready();                       // The sockets are open and the spool is recovered.
void reloading(int64_t steady_us);  // A reload began; ready() ends it.
void stopping();                    // The daemon accepts no more work.

}  // namespace rollcall::service_manager
