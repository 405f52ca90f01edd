// SpoolId: a random UUID. Each part of a spool that outlives a process has one.
//
//   spool         The directory and all its copies, for ever. Checksums begin with it.
//   run           One start of a daemon, and the records that it wrote. Row ids begin with it, and
//                 dead letters name it.
//   incarnation   The spool in one place (spool/lineage.h). A sink keeps one position for each.
#pragma once

#include <array>
#include <cstddef>

namespace rollcall {

using SpoolId = std::array<std::byte, 16>;
using RunId = SpoolId;
using IncarnationId = SpoolId;

}  // namespace rollcall
