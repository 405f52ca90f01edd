// Dictionary: what names mean, remembered by their spelling.
//
// A fleet spells a few hundred names, over and over. Folding one and looking for secrets in it
// takes ten times as long as comparing it with a name that came before, so each worker remembers
// the last one of each slot. Names that nobody sent before only cost what they cost without it.
//
// Threads: one for each worker, inside its Fields. Nothing allocates after construction.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "pipeline/keys.h"

namespace rollcall {

struct Meaning {
    const KnownKey* alone = nullptr;      // See find_key().
    const KnownKey* in_object = nullptr;  // As a member of the object it is in: `ram.total`.
    bool group = false;                   // See is_group().
    bool secret = false;                  // See is_secret().
    bool plain = false;                   // Letters, digits and `.-_`, as scripts name things.
};

// What the tables say, without a memory.
[[nodiscard]] Meaning meaning_of(std::string_view object, std::string_view name);

class Dictionary {
public:
    Dictionary() : entries_(entries_count) {}

    [[nodiscard]] Meaning look_up(std::string_view name) { return look_up(name, {}, name); }
    // As a member of an object.
    [[nodiscard]] Meaning look_up(std::string_view object, std::string_view name);

private:
    static constexpr size_t entries_count = 1024;
    static constexpr size_t spelling_bytes_max = 24;

    // As words that overlap if there are fewer bytes.
    struct Spelling {
        uint64_t first = 0;
        uint64_t middle = 0;
        uint64_t last = 0;
        size_t size = 0;
        Spelling() = default;
        explicit Spelling(std::string_view text);
        // Without a branch for each word.
        [[nodiscard]] bool is(const Spelling& other) const {
            return ((first ^ other.first) | (middle ^ other.middle) | (last ^ other.last) |
                    (size ^ other.size)) == 0;
        }
        [[nodiscard]] size_t slot() const {
            const uint64_t mixed = first ^ std::rotl(middle, 41) ^ std::rotl(last, 23);
            static_assert(entries_count == 1 << 10);
            return (mixed * 0x9E3779B97F4A7C15) >> 54;
        }
    };
    struct Entry {
        Spelling spelling;
        Meaning meaning;
    };

    template <class Word>
    static uint64_t load(const char* bytes) {
        Word word;
        std::memcpy(&word, bytes, sizeof word);
        return word;
    }

    Meaning look_up(std::string_view spelled, std::string_view object, std::string_view name);
    Meaning learn(const Spelling& spelling, std::string_view object, std::string_view name);

    std::vector<Entry> entries_;
};

inline Dictionary::Spelling::Spelling(std::string_view text) : size(text.size()) {
    const char* const begin = text.data();
    const char* const end = begin + size;
    if (size >= 8) {
        first = load<uint64_t>(begin);
        last = load<uint64_t>(end - 8);
        if (size > 16) middle = load<uint64_t>(begin + 8);
    } else if (size >= 4) {
        first = load<uint32_t>(begin);
        last = load<uint32_t>(end - 4);
    } else if (size > 0) {
        first = load<uint8_t>(begin);
        middle = load<uint8_t>(begin + size / 2);
        last = load<uint8_t>(end - 1);
    }
}

inline Meaning Dictionary::look_up(std::string_view spelled, std::string_view object,
                                   std::string_view name) {
    if (spelled.size() > spelling_bytes_max) return meaning_of(object, name);
    const Spelling spelling(spelled);
    const Entry& entry = entries_[spelling.slot()];
    return entry.spelling.is(spelling) ? entry.meaning : learn(spelling, object, name);
}

}  // namespace rollcall
