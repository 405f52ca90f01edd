// Open files: limits the number of connections, so that file descriptors remain for the spool and
// the sinks. If connections used up all descriptors, the spool could begin no new segment, and the
// daemon could acknowledge no check-in until a client disconnected.
//
// Threads: main, before the other threads start.
#pragma once

#include <cstdint>

namespace rollcall::open_files {

// Number of files that a daemon opens apart from connections: listeners, the spool, databases, a
// log.
inline constexpr uint64_t files_reserved = 128;

// Opens /dev/null for each standard stream that is closed. If a stream stayed closed, the next
// opened file would get its descriptor number, and log lines could be written into a spool file.
// Call this before any file is opened.
void open_standard_streams();

// Raises the limit of open files to the hard limit, and returns the limit in force.
[[nodiscard]] uint64_t raise_limit();

// Returns the maximum number of connections of the daemon: at most connections_max, at least 1.
// limit: number of open files that the process may have.
[[nodiscard]] uint64_t connections_within(uint64_t connections_max, uint64_t limit);

}  // namespace rollcall::open_files
