// Query: runs one statement, whatever the database is.
#pragma once

#include <charconv>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/base/error.h"

namespace rollcall {

// The result of a SELECT; an empty optional stands for NULL.
using Rows = std::vector<std::vector<std::optional<std::string>>>;

// Returns the value as a number; 0 for NULL, because SUM over no rows is NULL. Decimals, which a
// sum may have, are cut.
inline int64_t whole_number(const std::optional<std::string>& value) {
    int64_t number = 0;
    if (value) std::from_chars(value->data(), value->data() + value->size(), number);
    return number;
}

// Returns the rows, or an error whose explanation names the database and its answer.
using Query = std::function<Result<Rows>(const std::string& sql)>;

}  // namespace rollcall
