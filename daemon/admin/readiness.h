// Readiness: whether the daemon accepts check-ins from all clients, and if not, the reason. /readyz
// and the status page show the readiness.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string_view>

#include "daemon/overload/controller.h"
#include "pipeline/ingest/spool_load.h"

namespace rollcall {

enum class Readiness : uint8_t {
    ready,
    starting,
    spool_full,
    sink_behind,
    memory_short,
    disk_slow,
    thread_stuck
};

// Returns the readiness of a daemon that has started. The daemon is not ready while its spool
// cannot grow, while the pressure is 1, which is full overload (overload/state.h), or while a
// worker or the committer is stuck.
[[nodiscard]] Readiness readiness_of(const SpoolLoad& load, const OverloadMeasurement& measured,
                                     bool thread_stuck);

// Returns a text for the operator: the reason why the daemon is not ready; empty if it is ready.
[[nodiscard]] std::string_view reason_of(Readiness readiness);

}  // namespace rollcall
