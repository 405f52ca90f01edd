// SpoolId: a random UUID. Three things have one:
//
//   spool         The directory and all its copies, for ever. Checksums of records start from it.
//   run           One start of a daemon, and the records that this daemon wrote. Row ids are
//                 computed from it, and dead letters contain it.
//   incarnation   The spool in one directory (spool/lineage.h). A sink keeps one position for each.
#pragma once

#include <array>
#include <cstddef>

namespace rollcall {

using SpoolId = std::array<std::byte, 16>;
using RunId = SpoolId;
using IncarnationId = SpoolId;

}  // namespace rollcall
