// Random: a generator for random tests. Its seed is printed and can be set with ROLLCALL_SEED.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <random>
#include <utility>
#include <vector>

namespace rollcall {

class Random {
public:
    explicit Random(const char* test) : Random(seed(test)) {}
    explicit Random(uint64_t seed) : generator_(seed) {}

    // Returns ROLLCALL_SEED, or a new seed if the variable is not set, and prints it.
    [[nodiscard]] static uint64_t seed(const char* test) {
        const char* given = std::getenv("ROLLCALL_SEED");
        const uint64_t seed = given ? std::strtoull(given, nullptr, 10) : std::random_device{}();
        std::printf("%s: ROLLCALL_SEED=%llu\n", test, static_cast<unsigned long long>(seed));
        std::fflush(stdout);  // A test that hangs is killed without flushing.
        return seed;
    }

    // Returns a number from 0 to limit - 1. `limit` must not be 0.
    [[nodiscard]] uint64_t below(uint64_t limit) { return generator_() % limit; }
    [[nodiscard]] bool one_in(uint64_t times) { return below(times) == 0; }

    template <class T>
    [[nodiscard]] T one_of(const std::vector<T>& all) {
        return all[below(all.size())];
    }
    template <class T>
    [[nodiscard]] T one_of(std::initializer_list<T> all) {
        return all.begin()[below(all.size())];
    }
    template <class T>
    void shuffle(std::vector<T>& all) {
        for (size_t left = all.size(); left > 1; --left) std::swap(all[left - 1], all[below(left)]);
    }

private:
    std::mt19937_64 generator_;
};

}  // namespace rollcall
