#include "daemon/service_manager.h"

#include <fmt/core.h>
#include <systemd/sd-daemon.h>

namespace rollcall::service_manager {

void ready() { (void)sd_notify(0, "READY=1"); }
void reloading(int64_t steady_us) {
    (void)sd_notify(0, fmt::format("RELOADING=1\nMONOTONIC_USEC={}", steady_us).c_str());
}
void stopping() { (void)sd_notify(0, "STOPPING=1"); }

}  // namespace rollcall::service_manager
