#include "pipeline/decode/keys.h"

#include <algorithm>
#include <array>
#include <bit>

#include "pipeline/decode/key_words.h"

namespace rollcall {

namespace {

// A folded key in integers of eight bytes. A key that is longer than every known key is all zeros.
struct Folded {
    uint64_t first = 0;
    uint64_t middle = 0;
    uint64_t last = 0;
    bool operator==(const Folded&) const = default;
};

constexpr Folded folded(const FoldedName& name) {
    if (name.view().size() > sizeof(Folded)) return {};
    return {name.word(0), name.word(8), name.word(16)};
}

constexpr Folded fold(std::string_view key) { return folded(FoldedName(key)); }

constexpr size_t slots_count = 512;  // The number of different values of hash().

constexpr size_t hash(const Folded& key) {
    const uint64_t mixed = key.last ^ std::rotl(key.middle, 23) ^ std::rotl(key.first, 47);
    return (mixed * 0x9E3779B97F4A7C15) >> 55;
}

template <class Visit>
constexpr void each_word(std::string_view words, Visit visit) {
    while (!words.empty()) {
        const size_t length = std::min(words.find(' '), words.size());
        visit(words.substr(0, length));
        words.remove_prefix(std::min(length + 1, words.size()));
    }
}

// Calls visit(column, word) for each key of columns.def, in order.
template <class Visit>
constexpr void each_key(Visit visit) {
    for (size_t column = 0; column < columns_count; ++column)
        each_word(columns_table[column].keys,
                  [&](std::string_view word) { visit(static_cast<Column>(column), word); });
}

constexpr size_t keys_count = [] {
    size_t count = 0;
    each_key([&](Column, std::string_view) { ++count; });
    return count;
}();
static_assert(keys_count <= keys_max);

// Removes the mark from the end of the word. Returns false if the word does not end with it.
constexpr bool take_mark(std::string_view& word, char mark) {
    if (!word.ends_with(mark)) return false;
    word.remove_suffix(1);
    return true;
}

struct Table {
    std::array<Folded, keys_count> folded{};
    std::array<KnownKey, keys_count> keys{};
};

constexpr Table table = [] {
    Table result;
    uint8_t number = 0;
    each_key([&](Column column, std::string_view word) {
        KnownKey& key = result.keys[number] = KnownKey(column);
        key.number = number;
        key.weak = take_mark(word, '~');
        key.ambiguous = take_mark(word, '?');
        key.in_use = take_mark(word, '+');
        key.two = take_mark(word, ',');
        key.pairs_only = take_mark(word, '=');
        key.several = take_mark(word, '^');
        key.share = take_mark(word, '%');
        key.mac = take_mark(word, '#');
        result.folded[number] = fold(word);
        ++number;
    });
    return result;
}();

constexpr uint8_t free_slot = 255;
static_assert(keys_max < free_slot);

// A hash table with open addressing: a key is put into the first free slot at or after the slot of
// its hash.
constexpr std::array<uint8_t, slots_count> slots = [] {
    std::array<uint8_t, slots_count> result{};
    result.fill(free_slot);
    for (size_t number = 0; number < keys_count; ++number) {
        size_t slot = hash(table.folded[number]);
        while (result[slot] != free_slot) {
            // abort() is not a constant expression, so two columns with the same key do not
            // compile.
            if (table.folded[result[slot]] == table.folded[number]) std::abort();
            slot = (slot + 1) % slots_count;
        }
        result[slot] = static_cast<uint8_t>(number);
    }
    return result;
}();
static_assert(keys_max < slots_count);  // A free slot always exists, so a search ends.

constexpr std::string_view groups =
#define COLUMN(name, kind, value, low, high, since, place, keys, help)
#define GROUP(words) words " "
#include "pipeline/columns/columns.def"
#undef COLUMN
    ;
constexpr std::string_view other_things =
#define COLUMN(name, kind, value, low, high, since, place, keys, help)
#define OTHER(words) words " "
#include "pipeline/columns/columns.def"
#undef COLUMN
    ;

constexpr size_t count_words(std::string_view words) {
    size_t count = 0;
    each_word(words, [&](std::string_view word) { count += !word.empty(); });
    return count;
}

template <size_t count>
constexpr std::array<Folded, count> folded_words(std::string_view words) {
    std::array<Folded, count> folded{};
    size_t number = 0;
    each_word(words, [&](std::string_view word) {
        if (!word.empty()) folded[number++] = fold(word);
    });
    return folded;
}

constexpr auto group_table = folded_words<count_words(groups)>(groups);
constexpr auto other_table = folded_words<count_words(other_things)>(other_things);

// The objects of both tables by hash, so that an unknown name costs only one look-up.
struct ObjectWord {
    Folded folded;
    bool is_group = false;
    bool is_other_thing = false;
};
using ObjectSlots = std::array<ObjectWord, slots_count>;
// A free slot always exists, so a search ends.
static_assert(group_table.size() + other_table.size() < slots_count);

// Returns the slot of the object, or the free slot in which it belongs.
constexpr size_t object_slot(const ObjectSlots& by_hash, const Folded& folded) {
    size_t slot = hash(folded);
    while (by_hash[slot].folded != Folded() && by_hash[slot].folded != folded)
        slot = (slot + 1) % by_hash.size();
    return slot;
}

constexpr ObjectSlots object_slots = [] {
    ObjectSlots by_hash{};
    const auto add = [&](const Folded& folded) -> ObjectWord& {
        ObjectWord& word = by_hash[object_slot(by_hash, folded)];
        word.folded = folded;
        return word;
    };
    for (const Folded& folded : group_table) add(folded).is_group = true;
    for (const Folded& folded : other_table) add(folded).is_other_thing = true;
    return by_hash;
}();

const ObjectWord& find_object(const Folded& folded) {
    return object_slots[object_slot(object_slots, folded)];
}

const KnownKey* find(const Folded& folded) {
    for (size_t slot = hash(folded); slots[slot] != free_slot; slot = (slot + 1) % slots_count)
        if (table.folded[slots[slot]] == folded) return &table.keys[slots[slot]];
    return nullptr;
}

}  // namespace

const KnownKey* find_key(const FoldedName& name) {
    const KnownKey* const listed = find(folded(name));
    return listed != nullptr ? listed : composed_key(name);
}

size_t listed_keys() { return keys_count; }

std::vector<std::string_view> listed_key_names() {
    std::vector<std::string_view> names;
    each_key([&](Column, std::string_view word) {
        const std::string_view name = word.substr(0, word.find_first_of("~?+,=^%#"));
        if (name.find('.') == name.npos) names.push_back(name);
    });
    return names;
}

bool is_group(const FoldedName& object) {
    return find_object(folded(object)).is_group || names_a_report(object);
}

bool is_other_thing(const FoldedName& object) { return find_object(folded(object)).is_other_thing; }

}  // namespace rollcall
