#include "pipeline/decode/key_words.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "pipeline/base/ascii.h"

namespace rollcall {

namespace {

constexpr size_t key_bytes_max = 48;  // A longer name is not a key.

// A set of words, with one bit for each word.
using Words = uint64_t;

enum class Word : uint8_t {
#define WORD(word, spellings) word,
#include "pipeline/decode/key_words.def"
};

namespace words {
#define WORD(word, spellings) constexpr Words word = Words{1} << static_cast<unsigned>(Word::word);
#include "pipeline/decode/key_words.def"
}  // namespace words

// The quantity that a unit measures.
enum class Quantity : uint8_t {
    bytes,
    percent,
    duration,
    frequency,
    temperature,
    voltage,
    power,
    signal,
    clock
};

constexpr bool measures(Quantity quantity, Column column) {
    switch (quantity) {
        case Quantity::bytes: return info(column).value == Value::bytes;
        case Quantity::percent: return info(column).value == Value::percent;
        case Quantity::duration: return info(column).value == Value::duration;
        case Quantity::frequency: return info(column).value == Value::frequency;
        case Quantity::temperature: return column == Column::temp_c || column == Column::cpu_temp_c;
        case Quantity::voltage: return column == Column::voltage_v;
        case Quantity::power: return column == Column::power_w;
        case Quantity::signal: return info(column).value == Value::signal;
        case Quantity::clock: return info(column).value == Value::clock;
    }
    return false;
}

struct Unit {
    std::string_view spellings;
    Quantity quantity;
    double factor;
};
constexpr std::array units = {
#define UNIT(spellings, quantity, factor) Unit{spellings, Quantity::quantity, factor},
#include "pipeline/decode/key_words.def"
};

struct Rule {
    Column column;
    std::string_view marks;
    Words needed;
    Words allowed;
};
constexpr auto rules = [] {
    using namespace words;
    return std::array{
#define COMPOSED(column, marks, needed, allowed) \
    Rule{Column::column, marks, needed, static_cast<Words>(allowed)},
#include "pipeline/decode/key_words.def"
    };
}();

constexpr std::array word_spellings = {
#define WORD(word, spellings) std::string_view(spellings),
#include "pipeline/decode/key_words.def"
};

// A spelling, and the word or the unit that it represents.
struct Spelling {
    std::string_view text;
    Words word = 0;
    size_t unit = 0;
    // The first eight bytes of the text, and a mask of the bytes that exist.
    uint64_t first = 0;
    uint64_t first_mask = 0;

    constexpr Spelling() = default;
    constexpr Spelling(std::string_view of, Words its_word, size_t its_unit)
        : text(of), word(its_word), unit(its_unit), first(FoldedName(of).word(0)) {
        for (size_t byte = 0; byte < std::min(of.size(), sizeof first); ++byte)
            first_mask |= uint64_t{0xFF} << (8 * byte);
    }
    // Returns whether the name has this spelling at `at`.
    [[nodiscard]] bool is_at(const FoldedName& name, size_t at) const {
        if ((name.word(at) & first_mask) != first) return false;
        return text.size() <= sizeof first ||
               name.view().substr(at + sizeof first).starts_with(text.substr(sizeof first));
    }
};

template <class Visit>
constexpr void each_spelling(Visit visit) {
    const auto each = [&](std::string_view list, Words word, size_t unit) {
        while (!list.empty()) {
            const size_t length = std::min(list.find(' '), list.size());
            visit(Spelling(list.substr(0, length), word, unit));
            list.remove_prefix(std::min(length + 1, list.size()));
        }
    };
    for (size_t word = 0; word < word_spellings.size(); ++word)
        each(word_spellings[word], Words{1} << word, 0);
    for (size_t unit = 0; unit < units.size(); ++unit) each(units[unit].spellings, 0, unit);
}

constexpr size_t spellings_count = [] {
    size_t count = 0;
    each_spelling([&](const Spelling&) { ++count; });
    return count;
}();

// The first two letters of a word are used as a number. A letter has one of 27 values, because the
// second letter may be missing, as in the unit "v".
constexpr size_t letters_count = 27;
constexpr size_t pairs_count = letters_count * letters_count;
constexpr size_t letter_at(std::string_view text, size_t at) {
    if (at >= text.size() || !is_lower(text[at])) return 0;
    return static_cast<size_t>(text[at] - 'a') + 1;
}
constexpr size_t pair_of(std::string_view text) {
    return letter_at(text, 0) * letters_count + letter_at(text, 1);
}

// For each pair of letters, the index of its first spelling. One more entry marks the end.
constexpr auto spellings_from = [] {
    std::array<uint16_t, pairs_count + 1> from{};
    each_spelling([&](const Spelling& spelling) { ++from[pair_of(spelling.text) + 1]; });
    for (size_t pair = 0; pair < pairs_count; ++pair) from[pair + 1] += from[pair];
    return from;
}();

// Sorted by their first two letters, so that an unknown name costs only a few comparisons.
constexpr auto spellings = [] {
    std::array<Spelling, spellings_count> all{};
    auto next = spellings_from;
    each_spelling(
        [&](const Spelling& spelling) { all[next[pair_of(spelling.text)]++] = spelling; });
    return all;
}();

// Contains one list for each rule (a COMPOSED row). The list has the rule's key with each unit. Its
// last entry is the rule's key without a unit.
constexpr size_t no_unit = units.size();
const auto keys = [] {
    std::array<std::array<KnownKey, units.size() + 1>, rules.size()> all{};
    ensure(listed_keys() + rules.size() <= keys_max);
    for (size_t rule = 0; rule < rules.size(); ++rule) {
        const auto& [column, marks, needed, allowed] = rules[rule];
        for (size_t unit = 0; unit <= units.size(); ++unit) {
            KnownKey& key = all[rule][unit] = KnownKey(column);
            key.number = static_cast<uint8_t>(listed_keys() + rule);
            key.weak = true;
            key.ambiguous = marks.find('?') != marks.npos;
            key.in_use = marks.find('+') != marks.npos;
            key.mac = marks.find('#') != marks.npos;
            key.share = marks.find('%') != marks.npos && unit == no_unit;
            // For a clock, the size of the number determines the unit.
            if (unit != no_unit && units[unit].quantity != Quantity::clock)
                key.scale = units[unit].factor;
        }
    }
    return all;
}();

const KnownKey* key_of(Words found, size_t unit) {
    for (size_t rule = 0; rule < rules.size(); ++rule) {
        const auto& [column, marks, needed, allowed] = rules[rule];
        if ((found & needed) != needed || (found & ~(needed | allowed)) != 0) continue;
        const bool needs_unit = marks.find('/') != marks.npos;
        if (unit == no_unit ? needs_unit : !measures(units[unit].quantity, column)) continue;
        return &keys[rule][unit];
    }
    return nullptr;
}

// Splits the rest of a name, from `at` on, into words in all possible ways, and returns the first
// result of done(words, unit) that is not null. No word may occur twice, so there are few ways.
template <class Done>
const KnownKey* cut(const FoldedName& name, size_t at, Words found, const Done& done) {
    const std::string_view rest = name.view().substr(at);
    if (rest.empty()) return done(found, no_unit);
    const size_t pair = pair_of(rest);
    for (size_t i = spellings_from[pair]; i < spellings_from[pair + 1]; ++i) {
        const Spelling& spelling = spellings[i];
        if ((spelling.word & found) != 0 || !spelling.is_at(name, at)) continue;
        const KnownKey* key = nullptr;
        if (spelling.word != 0) {
            key = cut(name, at + spelling.text.size(), found | spelling.word, done);
        } else if (rest.size() == spelling.text.size()) {
            key = done(found, spelling.unit);
        }
        if (key != nullptr) return key;
    }
    return nullptr;
}

bool may_have_words(const FoldedName& name) {
    return !name.is_longer() && name.view().size() <= key_bytes_max && !name.has_breaks();
}

}  // namespace

const KnownKey* composed_key(const FoldedName& name) {
    return may_have_words(name) ? cut(name, 0, 0, key_of) : nullptr;
}

bool names_a_report(const FoldedName& object) {
    constexpr Words about_router = words::self | words::system | words::report | words::now;
    if (!may_have_words(object) || object.view().empty()) return false;
    static constexpr KnownKey yes;
    return cut(object, 0, 0, [&](Words found, size_t unit) {
               return unit == no_unit && (found & ~about_router) == 0 ? &yes : nullptr;
           }) != nullptr;
}

}  // namespace rollcall
