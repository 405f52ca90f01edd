// Dialects: rows of random values, and the ways in which routers and their scripts write them down.
//
// What a row holds is drawn first, and is what decode must find again. How it is written is drawn
// after that: which of its names a column goes by and how the name is spelled, in which form the
// value stands, in which dialect, and what noise lies around it.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "pipeline/columns.h"
#include "pipeline/decode.h"
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

// What a router sent, and what it meant by it.
struct Sent {
    std::string dialect;
    std::string body;
    BodyHint hint = BodyHint::unknown;
    std::string query;
    std::string header;
    std::vector<RandomRow> rows;
};

[[nodiscard]] Sent random_report(Random& random);

// A cell as report.h shows it.
[[nodiscard]] std::string shown(const RandomRow::Cell& cell);

}  // namespace rollcall
