// Query: how one statement is run, whatever the database is.
#pragma once

#include <charconv>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace rollcall {

// What a SELECT gives; nothing stands for NULL.
using Rows = std::vector<std::vector<std::optional<std::string>>>;

// Of a value; 0 for NULL, as the sum of nothing is told. A sum may come with decimals.
inline int64_t whole_number(const std::optional<std::string>& value) {
    int64_t number = 0;
    if (value) std::from_chars(value->data(), value->data() + value->size(), number);
    return number;
}

// The rows, or what is wrong, in words.
using Query = std::function<std::expected<Rows, std::string>(const std::string& sql)>;

}  // namespace rollcall
