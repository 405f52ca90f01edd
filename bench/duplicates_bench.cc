// DeduplicationWindow: the cost of adding a fingerprint to a full window, where each new
// fingerprint evicts an old one. At 30,000 check-ins per second, a window of two minutes contains
// 3.6 million fingerprints.

#include <fmt/core.h>

#include "bench/bench.h"
#include "pipeline/delivery/deduplication.h"

using namespace rollcall;

namespace {

constexpr int64_t window_us = 120'000'000;

// Returns a pseudorandom number. Source: Steele et al., Fast splittable pseudorandom number
// generators, 2014.
uint64_t splitmix(uint64_t number) {
    number *= 0x9e3779b97f4a7c15;
    number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9;
    number = (number ^ number >> 27) * 0x94d049bb133111eb;
    return number ^ number >> 31;
}

}  // namespace

int main() {
    for (const uint64_t in_window : {4'000, 400'000, 3'600'000}) {
        DeduplicationWindow seen(std::chrono::minutes(2), 4'000'000);
        uint64_t number = 0;
        const auto pass = [&](size_t rows) {
            uint64_t repeated = 0;
            for (const uint64_t end = number + rows; number < end; ++number) {
                seen.prefetch(splitmix(number + DeduplicationWindow::look_ahead));
                const auto us = static_cast<int64_t>(number * window_us / in_window);
                repeated += seen.seen_before(splitmix(number), us);
            }
            return repeated;
        };
        (void)pass(2 * in_window);
        bench(fmt::format("duplicates, {} in the window", in_window), 2'000'000, pass);
    }
}
