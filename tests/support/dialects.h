// Dialects: the ways in which routers and their scripts write down a row.
//
// What a row holds is drawn first, and is what decode must find again. How it is written is drawn
// after that: which of its names a column goes by and how the name is spelled, in which form the
// value stands, in which dialect, and what noise lies around it.
#pragma once

#include <string>
#include <vector>

#include "pipeline/decode/decode.h"
#include "tests/support/random_row.h"

namespace rollcall {

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

}  // namespace rollcall
