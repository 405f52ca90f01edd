#include "pipeline/decode/key_words.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

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
};

template <class Visit>
constexpr void each_spelling(Visit visit) {
    const auto each = [&](std::string_view list, Words word, size_t unit) {
        while (!list.empty()) {
            const size_t length = std::min(list.find(' '), list.size());
            visit(Spelling{list.substr(0, length), word, unit});
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

// Sorted by their first letters, so that an unknown name costs only a few comparisons.
constexpr auto spellings = [] {
    std::array<Spelling, spellings_count> all{};
    size_t count = 0;
    each_spelling([&](const Spelling& spelling) { all[count++] = spelling; });
    std::ranges::sort(all, {}, [](const Spelling& spelling) { return spelling.text[0]; });
    return all;
}();

constexpr auto spellings_from = [] {
    std::array<uint16_t, 27> from{};
    for (size_t letter = 0; letter < from.size(); ++letter)
        for (const Spelling& spelling : spellings)
            from[letter] += spelling.text[0] < static_cast<char>('a' + letter);
    return from;
}();

// For each rule (a COMPOSED row), its key with each unit; the last entry is its key without a unit.
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

// A name in lower case and without separators. add() returns false if the name becomes too long.
struct FoldedName {
    std::array<char, key_bytes_max> bytes;
    size_t size = 0;

    bool add(std::string_view name) {
        static constexpr ByteSet separators("-_.:/ ");
        for (const char c : name) {
            if (separators.has(c)) continue;
            if (size == bytes.size()) return false;
            bytes[size++] = lower(c);
        }
        return true;
    }
    [[nodiscard]] std::string_view view() const { return {bytes.data(), size}; }
};

// Splits `rest` into words in all possible ways, and returns the first result of done(words, unit)
// that is not null. No word may occur twice, so there are few ways.
template <class Done>
const KnownKey* cut(std::string_view rest, Words found, const Done& done) {
    if (rest.empty()) return done(found, no_unit);
    const auto letter = static_cast<uint8_t>(rest[0] - 'a');
    if (letter >= 26) return nullptr;
    for (size_t i = spellings_from[letter]; i < spellings_from[letter + 1U]; ++i) {
        const Spelling& spelling = spellings[i];
        if ((spelling.word & found) != 0 || !rest.starts_with(spelling.text)) continue;
        const std::string_view behind = rest.substr(spelling.text.size());
        const KnownKey* key = nullptr;
        if (spelling.word != 0) {
            key = cut(behind, found | spelling.word, done);
        } else if (behind.empty()) {
            key = done(found, spelling.unit);
        }
        if (key != nullptr) return key;
    }
    return nullptr;
}

}  // namespace

const KnownKey* composed_key(std::string_view object, std::string_view name) {
    FoldedName folded;
    if (!folded.add(object) || !folded.add(name)) return nullptr;
    return cut(folded.view(), 0, key_of);
}

bool names_a_report(std::string_view object) {
    constexpr Words about_router = words::self | words::system | words::report | words::now;
    FoldedName folded;
    if (!folded.add(object) || folded.size == 0) return false;
    static constexpr KnownKey yes;
    return cut(folded.view(), 0, [&](Words found, size_t unit) {
               return unit == no_unit && (found & ~about_router) == 0 ? &yes : nullptr;
           }) != nullptr;
}

}  // namespace rollcall
