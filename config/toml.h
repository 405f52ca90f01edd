// Toml: reads TOML 1.0 into values that do not depend on the library toml++. Only toml.cc includes
// that library.
//
// Source: https://toml.io/en/v1.0.0
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace rollcall {

struct TomlValue;
struct TomlMember;
using TomlArray = std::vector<TomlValue>;
using TomlTable = std::vector<TomlMember>;  // Sorted by name.

struct TomlValue {
    // monostate stands for a float, a date or a time. No setting accepts a float, a date or a time.
    std::variant<std::monostate, std::string, int64_t, bool, TomlArray, TomlTable> value;
    int line = 0;  // Line of the text on which the value begins, from 1.
};

struct TomlMember {
    std::string name;
    TomlValue value;
};

struct TomlSyntaxError {
    int line;
    std::string description;
};

[[nodiscard]] std::expected<TomlTable, TomlSyntaxError> parse_toml(std::string_view text);

// Returns the text as a string literal of TOML.
[[nodiscard]] std::string quote_toml(const std::string& text);

}  // namespace rollcall
