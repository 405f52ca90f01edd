// Keys: what a router calls a value, to the column that holds it.
//
// `cpu-count`, `cpu_count` and `cpuCount` are one key: case and separators do not count. Which keys
// a column goes by is in columns.def; the compiler makes a hash table of them.
//
// Threads: a constant table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pipeline/columns/columns.h"

namespace rollcall {

// A word of columns.def: the column that goes by it, and its marks.
struct KnownKey {
    Column column = Column::id;
    uint8_t number = 0;       // Position among all keys: of a column's keys the lower one wins.
    bool weak = false;        // `~`
    bool ambiguous = false;   // `?`
    bool in_use = false;      // `+`
    bool two = false;         // `,`
    bool pairs_only = false;  // `=`
};

// A key as it was sent, and the word that it is, if it is one.
struct Key {
    std::string_view sent;
    const KnownKey* known = nullptr;

    explicit operator bool() const { return known != nullptr; }
    const KnownKey* operator->() const { return known; }
    [[nodiscard]] const ColumnInfo& column() const { return info(known->column); }
    [[nodiscard]] bool keeps_text() const { return column().kind == Kind::text; }
};

// More than there are keys: the size of a set of them.
inline constexpr size_t keys_max = 224;

[[nodiscard]] Key find_key(std::string_view sent);
// The key of a member of an object, `ram.total`.
[[nodiscard]] Key find_key(std::string_view object, std::string_view sent);

// Does an object of this name speak of the router as a whole?
[[nodiscard]] bool is_group(std::string_view object);

}  // namespace rollcall
