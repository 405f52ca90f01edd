// Keys: the names under which routers send values, and the columns that these set.
//
// `cpu-count`, `cpu_count` and `cpuCount` are one key: case and separators do not count.
// columns.def lists the keys of each column; the compiler makes a hash table of them.
//
// Threads: a constant table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pipeline/columns/columns.h"

namespace rollcall {

// A key in columns.def with its column and its marks.
struct KnownKey {
    Column column = Column::id;
    uint8_t number = 0;       // Position among all keys. Of a column's keys, the lowest one wins.
    bool weak = false;        // `~`
    bool ambiguous = false;   // `?`
    bool in_use = false;      // `+`
    bool two = false;         // `,`
    bool pairs_only = false;  // `=`
};

// A name as it was sent, and the key that it is, or nullptr.
struct Key {
    std::string_view sent;
    const KnownKey* known = nullptr;

    explicit operator bool() const { return known != nullptr; }
    const KnownKey* operator->() const { return known; }
    [[nodiscard]] const ColumnInfo& column() const { return info(known->column); }
    [[nodiscard]] bool keeps_text() const { return column().kind == Kind::text; }
};

// The size of a set of keys: more than there are.
inline constexpr size_t keys_max = 224;

[[nodiscard]] Key find_key(std::string_view sent);
// Finds the key of a member of an object, such as `ram.total`.
[[nodiscard]] Key find_key(std::string_view object, std::string_view sent);

// Returns whether an object of this name describes the router as a whole.
[[nodiscard]] bool is_group(std::string_view object);

}  // namespace rollcall
