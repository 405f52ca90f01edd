// Allocations: counts the calls of operator new in this program. Tests use the count to check that
// a hot path allocates nothing. Linking allocations.cc replaces the operators.
#pragma once

#include <cstddef>

namespace rollcall {

[[nodiscard]] size_t allocations();

}  // namespace rollcall
