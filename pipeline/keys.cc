#include "pipeline/keys.h"

#include <algorithm>
#include <array>
#include <bit>

namespace rollcall {

namespace {

// A key without case and separators, in words of eight bytes, the last of them first. A key that is
// longer than any of ours folds to nothing.
struct Folded {
    uint64_t last = 0;
    uint64_t middle = 0;
    uint64_t first = 0;
    bool operator==(const Folded&) const = default;
};

constexpr std::array<uint8_t, 256> folding = [] {
    std::array<uint8_t, 256> to{};  // 0: left out.
    for (size_t byte = 1; byte < to.size(); ++byte) to[byte] = static_cast<uint8_t>(byte);
    to[0] = 1;  // In no key of ours, as NUL is not.
    for (uint8_t c = 'A'; c <= 'Z'; ++c) to[c] = c | 0x20;
    for (const char c : std::string_view("-_.: \t\r\n")) to[static_cast<uint8_t>(c)] = 0;
    return to;
}();

// The hottest loop of all: it stays in registers, and where separators stand costs no branch.
constexpr Folded fold(std::string_view key) {
    Folded folded;
    unsigned bits = 0;
    uint64_t word = 0;
    for (const char c : key) {
        const uint64_t kept = folding[static_cast<uint8_t>(c)];
        word |= kept << bits;
        bits += static_cast<unsigned>((kept + 0xFF) >> 8) * 8;  // 0 or 8.
        if (bits < 64) continue;
        if (folded.middle != 0) return {};
        folded = {word, folded.last, folded.middle};
        word = 0;
        bits = 0;
    }
    return {word, folded.last, folded.middle};
}

constexpr size_t slots_count = 256;  // As many as hash() yields.

constexpr size_t hash(const Folded& key) {
    const uint64_t mixed = key.last ^ std::rotl(key.middle, 23) ^ std::rotl(key.first, 47);
    return (mixed * 0x9E3779B97F4A7C15) >> 56;
}

// Calls visit(column, word) for each key of columns.def, in order.
template <class Visit>
constexpr void each_word(Visit visit) {
    for (size_t column = 0; column < columns_count; ++column) {
        std::string_view words = columns_table[column].keys;
        while (!words.empty()) {
            const size_t length = std::min(words.find(' '), words.size());
            visit(static_cast<Column>(column), words.substr(0, length));
            words.remove_prefix(std::min(length + 1, words.size()));
        }
    }
}

constexpr size_t keys_count = [] {
    size_t count = 0;
    each_word([&](Column, std::string_view) { ++count; });
    return count;
}();
static_assert(keys_count <= keys_max && keys_max < Key::unknown);

struct Known {
    Folded folded;
    Key key;
};

constexpr std::array<Known, keys_count> table = [] {
    std::array<Known, keys_count> known{};
    uint8_t number = 0;
    each_word([&](Column column, std::string_view word) {
        const bool ambiguous = word.ends_with('?');
        const bool in_use = word.ends_with('+');
        if (ambiguous || in_use) word.remove_suffix(1);
        known[number] = {fold(word), {{}, column, number, ambiguous, in_use}};
        ++number;
    });
    return known;
}();

// Open addressing: a key is in the first free slot from its hash on.
constexpr std::array<uint8_t, slots_count> slots = [] {
    std::array<uint8_t, slots_count> result{};
    result.fill(Key::unknown);
    for (const Known& known : table) {
        size_t slot = hash(known.folded);
        while (result[slot] != Key::unknown) {
            // Not a constant expression: two columns that go by one key do not compile.
            if (table[result[slot]].folded == known.folded) std::abort();
            slot = (slot + 1) % slots_count;
        }
        result[slot] = known.key.number;
    }
    return result;
}();
static_assert(keys_max < slots_count);  // So a search ends.

}  // namespace

Key find_key(std::string_view sent) {
    Key found{.sent = sent};
    const Folded folded = fold(sent);
    for (size_t slot = hash(folded); slots[slot] != Key::unknown; slot = (slot + 1) % slots_count) {
        const Known& known = table[slots[slot]];
        if (!(known.folded == folded)) continue;
        found = known.key;
        found.sent = sent;
        break;
    }
    return found;
}

}  // namespace rollcall
