// RandomRow: a row of random plausible values, and RouterOS's spellings of each value.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "pipeline/columns/columns.h"
#include "tests/support/random.h"

namespace rollcall {

struct RandomRow {
    // The values that decode must find, by column. The kind of a column determines the type of its
    // value. All other columns must be NULL.
    using Cell = std::variant<int64_t, double, std::string>;
    std::map<Column, Cell> cells;
    std::set<std::string> warnings;
    // Columns that are reported outside of the body. The body must not mention these columns, not
    // even with empty values.
    std::set<Column> beside;
};

// The characters that texts may contain. plain: characters that need no escape in any format.
// latin: characters that Windows-1252 has. all: also characters that need an escape.
enum class Letters : uint8_t { plain, latin, all };

[[nodiscard]] RandomRow random_row(Random& random, Letters letters);

// Returns the value as text, in the format of shown() in report.h, so that a test can compare it
// with the decoded value.
[[nodiscard]] std::string shown(const RandomRow::Cell& cell);

struct Spelling {
    std::string text;
    bool bare = false;  // JSON may contain the spelling without quotes.
};

[[nodiscard]] Spelling random_spelling(Random& random, Column column, const RandomRow::Cell& cell);

}  // namespace rollcall
