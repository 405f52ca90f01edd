// Query: runs one statement, independent of the database.
#pragma once

#include <charconv>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/base/error.h"

namespace rollcall {

// The result of a SELECT; an empty optional means NULL.
using Rows = std::vector<std::vector<std::optional<std::string>>>;

// Returns the value as a whole number. Drops the decimals, which a sum can have. Returns 0 for
// NULL, because SUM over no rows is NULL.
inline int64_t whole_number(const std::optional<std::string>& value) {
    int64_t number = 0;
    if (value) std::from_chars(value->data(), value->data() + value->size(), number);
    return number;
}

// Runs a statement. Returns the rows, or an error whose explanation names the database and quotes
// its answer.
using Query = std::function<Result<Rows>(const std::string& sql)>;

}  // namespace rollcall
