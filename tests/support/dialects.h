// Dialects: the formats in which routers and their scripts report a row.
//
// First the values of a random row are drawn; decode must find the same values again. Then the form
// of the row is drawn: the name of each column and its spelling, the form of each value, the
// dialect, and irrelevant content around the values.
#pragma once

#include <string>
#include <vector>

#include "pipeline/decode/decode.h"
#include "tests/support/random_row.h"

namespace rollcall {

// A report as a router sends it, and the rows that it stands for.
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
