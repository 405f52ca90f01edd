// Bench: runs a benchmark case and prints its time in nanoseconds per item.
//
//     bench("decode json", 100'000, [&](size_t items) { ...; return proof; });
//
// A case processes the given number of items and returns a number that depends on all results, so
// that the compiler cannot remove the work. Without BENCH=1 in the environment, a case runs only a
// thousandth of its items. A thousandth is enough for ctest to check that the case works.
#pragma once

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace rollcall {

// Returns true if a case with this name should run. If BENCH_ONLY is set in the environment, only
// the cases whose names contain its value run.
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

// Alternates between two cases that process the same items, so that other processes disturb both
// alike. Prints the median times, and the median of the ratios of the first to the second.
template <class Case, class Other>
void compare(std::string_view name, size_t items, Case run, std::string_view other_name,
             Other run_other) {
    if (!is_selected(name)) return;
    const bool in_full = std::getenv("BENCH") != nullptr;
    const size_t turns = in_full ? 2001 : 3;  // Most turns are so short that nothing disturbs them.
    const size_t count = in_full ? std::max<size_t>(items / turns, 1) : 1;
    uint64_t proof = 0;
    const auto time_of = [&](auto& which) {
        const auto begin = std::chrono::steady_clock::now();
        proof += which(count);
        const std::chrono::duration<double, std::nano> took =
            std::chrono::steady_clock::now() - begin;
        return took.count() / static_cast<double>(count);
    };
    std::vector<double> ns;
    std::vector<double> other_ns;
    std::vector<double> ratios;
    for (size_t turn = 0; turn < turns; ++turn) {
        ns.push_back(time_of(run));
        other_ns.push_back(time_of(run_other));
        ratios.push_back(ns.back() / other_ns.back());
    }
    const auto median = [](std::vector<double>& values) {
        std::ranges::sort(values);
        return values[values.size() / 2];
    };
    fmt::print("{:<32} {:>10.1f} ns/item  {} {:.1f} ns, ratio {:.2f}  proof {}\n", name, median(ns),
               other_name, median(other_ns), median(ratios), proof);
}

}  // namespace rollcall
