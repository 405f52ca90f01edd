// SpoolId: a random UUID. Three things have one:
//
//   spool         A spool directory and all its copies. Checksums of records start from its id.
//   run           One start of a daemon, and the records that this daemon wrote. Row ids are
//                 computed from it, and dead letters contain it.
//   incarnation   A spool in one directory (spool/lineage.h). A sink has one position for each.
#pragma once

#include <array>
#include <cstddef>

namespace rollcall {

using SpoolId = std::array<std::byte, 16>;
using RunId = SpoolId;
using IncarnationId = SpoolId;

}  // namespace rollcall
