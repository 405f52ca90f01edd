// Bench: runs a benchmark case and prints its time in nanoseconds per item.
//
//     bench("decode json", 100'000, [&](size_t items) { ...; return proof; });
//
// A case processes the given number of items and returns a number that depends on all results, so
// that the compiler cannot remove the work. Without BENCH=1 in the environment, a case runs only a
// thousandth of its items. This is enough for ctest to check that the case works.
#pragma once

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace rollcall {

// Returns whether a case with this name is to run: BENCH_ONLY is a part of the names of the cases
// to run, and by default all run.
inline bool is_selected(std::string_view name) {
    const char* const only = std::getenv("BENCH_ONLY");
    return only == nullptr || name.find(only) != name.npos;
}

template <class Case>
void bench(std::string_view name, size_t items, Case run) {
    if (!is_selected(name)) return;
    const bool in_full = std::getenv("BENCH") != nullptr;
    constexpr int repeats = 40;  // The fastest repeat counts, because other processes disturbed it
                                 // least.
    const size_t count = std::max<size_t>(items / (in_full ? 8 : 1000), 1);
    double best_ns = 0;
    uint64_t proof = 0;
    for (int repeat = 0; repeat < repeats; ++repeat) {
        const auto begin = std::chrono::steady_clock::now();
        proof += run(count);
        const std::chrono::duration<double, std::nano> took =
            std::chrono::steady_clock::now() - begin;
        const double ns = took.count() / static_cast<double>(count);
        best_ns = repeat == 0 ? ns : std::min(best_ns, ns);
    }
    fmt::print("{:<32} {:>10.1f} ns/item  {:>9} items  proof {}\n", name, best_ns, count, proof);
}

}  // namespace rollcall
