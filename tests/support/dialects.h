// Dialects: the formats in which routers and their scripts report a row.
//
// A random row is drawn first; decode must find the same values again. Then its form is drawn:
// which name of each column is used and how it is spelled, the form of each value, the dialect, and
// irrelevant content around it.
#pragma once

#include <string>
#include <vector>

#include "pipeline/decode/decode.h"
#include "tests/support/random_row.h"

namespace rollcall {

// A report as a router sends it, and the rows that it means.
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
