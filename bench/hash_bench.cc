// Hash: the cost of hashing a report with and without a key, and of computing a whole fingerprint.

#include <string>

#include "bench/bench.h"
#include "pipeline/base/hash.h"

using namespace rollcall;

namespace {

template <class Hash>
void hash_bench(std::string_view name, size_t bytes, Hash hash) {
    std::string text(bytes, 'x');
    for (size_t at = 0; at < bytes; ++at) text[at] = static_cast<char>(at * 7);
    bench(fmt::format("{}, {} bytes", name, bytes), 4'000'000, [&](size_t items) {
        uint64_t proof = 0;
        for (size_t item = 0; item < items; ++item) {
            text[0] = static_cast<char>(proof);  // Makes each hash depend on the previous one.
            proof += hash(text);
        }
        return proof;
    });
}

}  // namespace

int main() {
    const KeyedHash keyed({1, 2, 3, 4});
    for (const size_t bytes : {16, 120, 567, 4096}) {
        hash_bench("without a key", bytes, stable_hash);
        hash_bench("with a key", bytes, keyed);
    }
    // The fingerprint that the intake computes for a report received over MQTT.
    hash_bench("fingerprint", 567, [&](std::string_view text) {
        return HashedParts(keyed)
            .add(uint64_t{2})
            .add("tenant")
            .add("HX1234567")
            .add("checkins/HX1234567")
            .add("HX1234567")
            .add(text)
            .add("")
            .add("")
            .hash();
    });
}
