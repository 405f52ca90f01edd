// Dictionary: a cache from the spelling of a name to its meaning.
//
// A fleet uses the same few hundred spellings again and again. Folding a name and checking it for
// secrets takes ten times as long as comparing it with a cached name. So each worker has a hash
// table, and each slot of the table keeps the last name that was looked up there. The look-up of a
// name that is not cached costs as much as without the cache.
//
// A router sends its names in the same order each time. The entry of a name therefore points to the
// name that followed it the last time. If the same name follows again, the dictionary recognizes it
// without a search for its end or its slot.
//
// The same name can have different meanings in different objects. So a member is cached by its own
// name and by a hash of its object's name (see Scope). The hash has a secret key, so that no client
// can find two names with the same hash.
//
// Threads: one for each worker, inside its Fields. Nothing allocates after construction.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "pipeline/base/frequent_names.h"
#include "pipeline/decode/keys.h"

namespace rollcall {

struct Meaning {
    const KnownKey* in_pairs = nullptr;   // See find_key().
    const KnownKey* alone = nullptr;      // Like in_pairs; nullptr if the key counts only in pairs.
    const KnownKey* in_object = nullptr;  // The key for `object.name`, such as `ram.total`.
    bool group = false;                   // See is_group().
    bool other_thing = false;             // See is_other_thing().
    bool secret = false;                  // See is_secret().
    bool plain = false;  // The name consists of letters, digits and `.-_`, as most names do.
    // The next two members are mutable, because they do not affect the meaning.
    mutable uint64_t hash = 0;                  // See Scope; 0 until the first Scope of this name.
    mutable FrequentNames::Place counted = {};  // Where UnknownKeys counted this name.
};

// The object whose members are looked up.
struct Scope {
    // The value of `hash` if the object's name is too long for the cache.
    static constexpr uint64_t not_cached = UINT64_MAX;

    std::string_view object;  // The name of the object; empty for the report itself.
    uint64_t hash = 0;        // The keyed hash of the object's name; 0 for the report itself.

    Scope() = default;
    // meaning: the meaning of the object's name. The first Scope of a name computes the hash and
    // stores it in `meaning`. A look-up does not compute the hash, because most names never need
    // one, and the hash costs more than the look-up.
    Scope(std::string_view name, const Meaning& meaning) : object(name), hash(meaning.hash) {
        if (hash == 0 && !name.empty()) hash = meaning.hash = hash_of(name);
    }

private:
    [[nodiscard]] static uint64_t hash_of(std::string_view name);
};

// Returns the meaning of a name according to the tables, without the cache.
[[nodiscard]] Meaning meaning_of(std::string_view object, std::string_view name);

class Dictionary {
public:
    // keep_sim_identifiers: names that identify a SIM or its subscriber do not count as secrets.
    explicit Dictionary(bool keep_sim_identifiers = false)
        : entries_(entries_count), keep_sim_identifiers_(keep_sim_identifiers) {}
    Dictionary(const Dictionary&) = delete;
    Dictionary& operator=(const Dictionary&) = delete;

    // Returns the meaning of a name in the report itself. The meaning is valid until the next call.
    [[nodiscard]] const Meaning& look_up(std::string_view name) { return look_up(Scope(), name); }
    // Returns the meaning of a member of an object.
    [[nodiscard]] const Meaning& look_up(const Scope& scope, std::string_view name);
    [[nodiscard]] const Meaning& look_up(std::string_view object, std::string_view name) {
        return look_up(Scope(object, look_up(object)), name);
    }

    // The result of expect(): the size and meaning of the name at the beginning of a text.
    struct Expected {
        size_t bytes = 0;  // 0 if the prediction was wrong; then call look_up().
        const Meaning* meaning = nullptr;
    };
    // Predicts that the next name is the name that followed the current name the last time. Returns
    // the predicted name if `text` begins with it and continues with `end`.
    [[nodiscard]] Expected expect(std::string_view text, std::string_view end,
                                  const Scope& scope = Scope());

private:
    static constexpr size_t entries_count = 1024;
    static constexpr size_t spelling_bytes_max = 24;

    // The bytes of a name as three integers, which overlap if the name is short.
    struct Spelling {
        uint64_t first = 0;
        uint64_t middle = 0;
        uint64_t last = 0;
        size_t size = 0;
        Spelling() = default;
        explicit Spelling(std::string_view text);
        // Compares without a branch for each integer.
        [[nodiscard]] bool is(const Spelling& other) const {
            return ((first ^ other.first) | (middle ^ other.middle) | (last ^ other.last) |
                    (size ^ other.size)) == 0;
        }
        [[nodiscard]] size_t slot(uint64_t scope) const {
            const uint64_t mixed =
                first ^ std::rotl(middle, 41) ^ std::rotl(last, 23) ^ std::rotl(scope, 11);
            static_assert(entries_count == 1 << 10);
            return (mixed * 0x9E3779B97F4A7C15) >> 54;
        }
    };
    struct Entry {
        Spelling spelling;
        uint64_t scope = 0;  // The hash of the object's name.
        Meaning meaning;
        Entry* next = nullptr;  // The entry of the name that followed this name the last time.
    };

    template <class Word>
    static uint64_t load(const char* bytes) {
        Word word;
        std::memcpy(&word, bytes, sizeof word);
        return word;
    }

    static bool is(const Entry& entry, const Scope& scope, const Spelling& spelling) {
        return entry.scope == scope.hash && entry.spelling.is(spelling);
    }
    // Returns the entry of a name. If the slot held another name until now, replaces that name.
    [[nodiscard]] Entry& entry(const Scope& scope, const Spelling& spelling, std::string_view name);
    // Returns the meaning of a name that is too long for the cache, or whose object has a name that
    // is too long.
    [[nodiscard]] const Meaning& look_up_long(const Scope& scope, std::string_view name);
    [[nodiscard]] Meaning meaning_here(std::string_view object, std::string_view name) const;
    void learn(Entry& entry, const Scope& scope, const Spelling& spelling, std::string_view name);

    std::vector<Entry> entries_;
    Entry* last_ = entries_.data();
    Meaning long_;
    bool keep_sim_identifiers_;
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

inline Dictionary::Entry& Dictionary::entry(const Scope& scope, const Spelling& spelling,
                                            std::string_view name) {
    Entry& entry = entries_[spelling.slot(scope.hash)];
    if (!is(entry, scope, spelling)) learn(entry, scope, spelling, name);
    return entry;
}

inline const Meaning& Dictionary::look_up(const Scope& scope, std::string_view name) {
    if (name.size() > spelling_bytes_max || scope.hash == Scope::not_cached)
        return look_up_long(scope, name);
    Entry& found = entry(scope, Spelling(name), name);
    last_ = last_->next = &found;
    return found.meaning;
}

inline Dictionary::Expected Dictionary::expect(std::string_view text, std::string_view end,
                                               const Scope& scope) {
    Entry* const next = last_->next;
    // A plain name needs no escapes, so it has the same bytes in JSON as in the entry. The entry
    // may hold another name by now, so the spelling is compared below.
    if (next == nullptr || next->scope != scope.hash || !next->meaning.plain) return {};
    const size_t bytes = next->spelling.size;
    if (text.size() < bytes + end.size()) return {};
    if (std::memcmp(text.data() + bytes, end.data(), end.size()) != 0) return {};
    if (!Spelling({text.data(), bytes}).is(next->spelling)) return {};
    last_ = next;
    return {bytes, &next->meaning};
}

}  // namespace rollcall
