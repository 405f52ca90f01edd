// Hash: the hash functions that tables and fingerprints use.
//
//     KeyedHash       64 bits with a secret key, for bytes that a client may have chosen
//     process_hash()  a KeyedHash with a random key of this process, for tables in memory
//     stable_hash()   64 bits without a key, the same in every process, for uses in which a client
//                     gains nothing from equal hashes
//
// KeyedHash is HighwayHash, a pseudorandom function with a key of 256 bits. Without the key, nobody
// can predict a hash or find two inputs with the same hash. Its outputs are the same on every
// processor. SipHash-2-4 and BLAKE2b give the same guarantee. For a report of 567 bytes,
// HighwayHash takes 76 ns, SipHash-2-4 240 ns, and BLAKE2b 1,230 ns (bench/README.md).
//
// stable_hash() is XXH3. Anyone can find inputs with the same XXH3. So do not use it for hash
// tables of texts from clients, or to decide whether two reports are equal.
//
// Source:  Alakuijala, Cox, Wassenberg, "Fast keyed hash/pseudo-random function using SIMD multiply
//          and permute", https://arxiv.org/abs/1612.06257
// Threads: any; nothing is changed after construction.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "pipeline/base/error.h"

namespace rollcall {

class KeyedHash {
public:
    using Key = std::array<uint64_t, 4>;

    explicit KeyedHash(const Key& key) : key_(key) {}

    [[nodiscard]] uint64_t operator()(std::string_view bytes) const;

private:
    alignas(32) Key key_;
};

// Returns the hash of a text with a random key of this process. The first call creates the key.
// Never returns 0, because many tables mark an empty slot with 0.
[[nodiscard]] uint64_t process_hash(std::string_view bytes);

[[nodiscard]] uint64_t stable_hash(std::string_view bytes);

// A list of parts that are hashed together. The length of each text is added before the text, so
// that the lists "ab", "c" and "a", "bc" differ. The hash of a long text replaces the text, so that
// a small buffer is enough.
class HashedParts {
public:
    static constexpr size_t parts_max = 10;

    explicit HashedParts(const KeyedHash& hash) : hash_(hash) {}

    HashedParts& add(std::string_view part) {
        append_number(part.size());
        if (part.size() > short_bytes_max)
            append_number(hash_(part));
        else
            append(part.data(), part.size());
        return *this;
    }
    HashedParts& add(uint64_t number) {
        append_number(number);
        return *this;
    }
    [[nodiscard]] uint64_t hash() const { return hash_({buffer_.data(), size_}); }

private:
    static constexpr size_t short_bytes_max = 64;

    void append_number(uint64_t number) { append(&number, sizeof number); }
    void append(const void* bytes, size_t count) {
        ensure(count <= buffer_.size() - size_);
        if (count > 0) std::memcpy(buffer_.data() + size_, bytes, count);
        size_ += count;
    }

    const KeyedHash& hash_;
    size_t size_ = 0;
    std::array<char, parts_max * (sizeof(uint64_t) + short_bytes_max)> buffer_;
};

}  // namespace rollcall
