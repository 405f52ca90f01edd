// Query: how one statement is run, whatever the database is.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace rollcall {

// What a SELECT gives; nothing stands for NULL.
using Rows = std::vector<std::vector<std::optional<std::string>>>;

// The rows, or what is wrong, in words.
using Query = std::function<std::expected<Rows, std::string>(const std::string& sql)>;

}  // namespace rollcall
