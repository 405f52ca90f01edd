// Allocations: how often this program has asked operator new for memory, for tests that a hot path
// does not. Linking allocations.cc replaces the operators.
#pragma once

#include <cstddef>

namespace rollcall {

[[nodiscard]] size_t allocations();

}  // namespace rollcall
