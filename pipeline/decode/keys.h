// Keys: the names under which routers send values, and the columns that these names set.
//
// `cpu-count`, `cpu_count` and `cpuCount` are one key: case and separators are ignored. columns.def
// lists the keys of each column; the compiler makes a hash table of them. A name that is not in the
// table is also a key if it is composed of certain words, such as `device_mem_free_mb`
// (key_words.h).
//
// Threads: a constant table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "pipeline/columns/columns.h"
#include "pipeline/decode/folded_name.h"

namespace rollcall {

// A key in columns.def, with its column and its marks (the characters after its name). columns.def
// explains what each mark means.
struct KnownKey {
    Column column = Column::id;
    // Copies of the column's entry in the table, which save a look-up for each value.
    Kind kind = Kind::integer;
    Value value = Value::given;
    // Position among all keys. If several keys set a column, the lowest number wins.
    uint8_t number = 0;
    bool weak = false;        // `~`
    bool ambiguous = false;   // `?`
    bool in_use = false;      // `+`
    bool two = false;         // `,`
    bool pairs_only = false;  // `=`
    bool several = false;     // `^`
    bool share = false;       // `%`
    bool mac = false;         // `#`
    // Factor from the unit in a composed key to the unit of the column. Ignored if the value itself
    // has a unit.
    double scale = 1;

    constexpr KnownKey() = default;
    constexpr explicit KnownKey(Column of)
        : column(of), kind(info(of).kind), value(info(of).value) {}
};

// The name of a field as it was sent, and the known key that it matches; nullptr if there is none.
struct Key {
    std::string_view sent;
    const KnownKey* known = nullptr;

    explicit operator bool() const { return known != nullptr; }
    const KnownKey* operator->() const { return known; }
    [[nodiscard]] const ColumnInfo& column() const { return info(known->column); }
    [[nodiscard]] bool keeps_text() const { return known->kind == Kind::text; }
};

// Returns whether a column contains a name that identifies a router.
[[nodiscard]] constexpr bool names_router(Column column) {
    return column == Column::site_id || column == Column::serial_number ||
           column == Column::system_id || column == Column::identity;
}

// Returns whether a column contains a value that only a router measures about itself.
[[nodiscard]] constexpr bool is_measured(Column column) {
    const Value value = info(column).value;
    return value == Value::bytes || value == Value::percent || value == Value::frequency ||
           column == Column::cpu_count;
}

// Maximum number of keys, listed and composed.
inline constexpr size_t keys_max = 254;

// Returns the key of a name or of a path, or nullptr.
[[nodiscard]] const KnownKey* find_key(const FoldedName& name);
[[nodiscard]] inline Key find_key(std::string_view sent) {
    return {sent, find_key(FoldedName(sent))};
}
// Finds the key of a member of an object, such as `ram.total`.
[[nodiscard]] inline Key find_key(std::string_view object, std::string_view sent) {
    return {sent, find_key(FoldedName(object, sent))};
}

// Returns the number of keys in columns.def. Composed keys have higher numbers, so a listed key
// wins over a composed one.
[[nodiscard]] size_t listed_keys();
// Returns the keys in columns.def that have no dot, in folded form.
[[nodiscard]] std::vector<std::string_view> listed_key_names();

// Returns whether an object of this name describes the router as a whole.
[[nodiscard]] bool is_group(const FoldedName& object);
[[nodiscard]] inline bool is_group(std::string_view object) { return is_group(FoldedName(object)); }
// Returns whether an object of this name describes a thing other than the router, with a serial
// number of its own.
[[nodiscard]] bool is_other_thing(const FoldedName& object);
[[nodiscard]] inline bool is_other_thing(std::string_view object) {
    return is_other_thing(FoldedName(object));
}

}  // namespace rollcall
