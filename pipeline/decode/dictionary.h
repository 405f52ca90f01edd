// Dictionary: what names mean, remembered by their spelling.
//
// A fleet spells a few hundred names, over and over. Folding one and looking for secrets in it
// takes ten times as long as comparing it with a name that came before, so each worker remembers
// the last one of each slot. Names that nobody sent before only cost what they cost without it.
//
// It sends them in the same order, too: each name remembers which one came after it, and where that
// one stands again, nobody has to find its end or its slot.
//
// Threads: one for each worker, inside its Fields. Nothing allocates after construction.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "pipeline/decode/keys.h"

namespace rollcall {

struct Meaning {
    const KnownKey* in_pairs = nullptr;   // See find_key().
    const KnownKey* alone = nullptr;      // The same, but for keys that only pairs use.
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
    Dictionary(const Dictionary&) = delete;
    Dictionary& operator=(const Dictionary&) = delete;

    // Valid until the next one.
    [[nodiscard]] const Meaning& look_up(std::string_view name);
    // As a member of an object.
    [[nodiscard]] const Meaning& look_up(std::string_view object, std::string_view name);

    // Of a name that `text` begins with.
    struct Expected {
        size_t bytes = 0;  // 0: find the name and look_up() that.
        const Meaning* meaning = nullptr;
    };
    // Is it the plain name that came after this one before, and does `end` stand behind it?
    [[nodiscard]] Expected expect(std::string_view text, std::string_view end);

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
        Entry* next = nullptr;  // The one that came after it.
    };

    template <class Word>
    static uint64_t load(const char* bytes) {
        Word word;
        std::memcpy(&word, bytes, sizeof word);
        return word;
    }

    [[nodiscard]] Entry& entry(const Spelling& spelling, std::string_view object,
                               std::string_view name);
    // Of a name that is too long to remember.
    [[nodiscard]] const Meaning& look_up_long(std::string_view object, std::string_view name);
    void learn(Entry& entry, const Spelling& spelling, std::string_view object,
               std::string_view name);

    std::vector<Entry> entries_;
    Entry* last_ = entries_.data();
    Meaning long_;
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

inline Dictionary::Entry& Dictionary::entry(const Spelling& spelling, std::string_view object,
                                            std::string_view name) {
    Entry& entry = entries_[spelling.slot()];
    if (!entry.spelling.is(spelling)) learn(entry, spelling, object, name);
    return entry;
}

inline const Meaning& Dictionary::look_up(std::string_view name) {
    if (name.size() > spelling_bytes_max) return look_up_long({}, name);
    Entry& found = entry(Spelling(name), {}, name);
    last_ = last_->next = &found;
    return found.meaning;
}

inline Dictionary::Expected Dictionary::expect(std::string_view text, std::string_view end) {
    Entry* const next = last_->next;
    // Another may have taken its place; one that JSON would escape is not what stands there.
    if (next == nullptr || !next->meaning.plain) return {};
    const size_t bytes = next->spelling.size;
    if (text.size() < bytes + end.size()) return {};
    if (std::memcmp(text.data() + bytes, end.data(), end.size()) != 0) return {};
    if (!Spelling({text.data(), bytes}).is(next->spelling)) return {};
    last_ = next;
    return {bytes, &next->meaning};
}

}  // namespace rollcall
