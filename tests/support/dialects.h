// Dialects: the formats in which routers and their scripts report a row.
//
// First a row gets random values; decode must find the same values again. Then the row gets a
// random form. The form consists of the dialect, the name of each column and its spelling, the form
// of each value, and irrelevant content around the values.
#pragma once

#include <string>
#include <vector>

#include "pipeline/decode/decode.h"
#include "tests/support/random_row.h"

namespace rollcall {

// A report as a router sends it, and the rows that decode must make of it.
struct Sent {
    std::string dialect;
    std::string body;
    BodyHint hint = BodyHint::unknown;
    std::string query;
    std::string header;
    std::vector<RandomRow> rows;
};

[[nodiscard]] Sent random_report(Random& random);

}  // namespace rollcall
