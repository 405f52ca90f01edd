// Service manager: what the daemon tells systemd. Silent where there is none.
//
// Source: sd_notify(3).
// Threads: main.
#pragma once

#include <cstdint>

namespace rollcall::service_manager {

void ready();                       // Sockets are open and the spool is recovered.
void reloading(int64_t steady_us);  // Until ready() is said again.
void stopping();                    // From now on, no new work is taken.

}  // namespace rollcall::service_manager
