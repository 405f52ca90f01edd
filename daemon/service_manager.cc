#include "daemon/service_manager.h"

#include <systemd/sd-daemon.h>

namespace rollcall::service_manager {

void ready() { (void)sd_notify(0, "READY=1"); }
void stopping() { (void)sd_notify(0, "STOPPING=1"); }

}  // namespace rollcall::service_manager
