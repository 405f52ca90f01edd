// SpoolLoad: the load of the spool. The committer and the spool writer publish these values. The
// overload controller and the readiness page base their decisions on them.
//
// Units: bytes; microseconds of the steady clock.
#pragma once

#include <cstdint>
#include <optional>

namespace rollcall {

struct SpoolLoad {
    uint64_t backlog_bytes = 0;  // Bytes that the slowest sink has not stored.
    uint64_t written_bytes = 0;  // Bytes of the records that were written since the start.
    std::optional<int64_t> sync_began_us;  // Start of the running sync; empty if there is none.
    bool full = false;                     // The spool cannot grow, so check-ins wait.
};

}  // namespace rollcall
