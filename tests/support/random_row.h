// RandomRow: a row of random plausible values, and the forms in which RouterOS writes each of them.
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
    // By the column's kind. A column that is not here must be NULL.
    using Cell = std::variant<int64_t, double, std::string>;
    std::map<Column, Cell> cells;
    std::set<std::string> warnings;
    // Said beside the body; there is no word of them in it, not even that they are missing.
    std::set<Column> beside;
};

// How much of the alphabet a text may use: what needs no escape anywhere, what Windows-1252 has
// too, or all.
enum class Letters : uint8_t { plain, latin, all };

[[nodiscard]] RandomRow random_row(Random& random, Letters letters);

// A cell as report.h shows it.
[[nodiscard]] std::string shown(const RandomRow::Cell& cell);

struct Spelling {
    std::string text;
    bool bare = false;  // It may stand in JSON without quotes.
};

// One of the forms of a value.
[[nodiscard]] Spelling random_spelling(Random& random, Column column, const RandomRow::Cell& cell);

}  // namespace rollcall
