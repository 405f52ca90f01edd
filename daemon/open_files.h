// Open files: as many connections as leave some for the spool and the sinks. If clients took the
// last ones, no segment could be begun, and nobody would be answered until a client left.
//
// Threads: main, before the others start.
#pragma once

#include <cstdint>

namespace rollcall::open_files {

// What a daemon opens besides its connections: listeners, the spool, databases, a log.
inline constexpr uint64_t files_reserved = 128;

// Raises what the process may have open to what it is allowed to ask for, and returns it.
[[nodiscard]] uint64_t raise_limit();

// What a worker holds of connections_max, at least 1.
[[nodiscard]] uint64_t connections_of_worker(uint64_t connections_max, uint64_t workers,
                                             uint64_t limit);

}  // namespace rollcall::open_files
