// SpoolId: a random number that names one spool for its whole life.
//
// It is part of every row id and of the position that a sink keeps.
#pragma once

#include <array>
#include <cstddef>

namespace rollcall {

using SpoolId = std::array<std::byte, 16>;

}  // namespace rollcall
