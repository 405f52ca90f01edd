#include "config/toml.h"

#include <sstream>
#include <utility>

#define TOML_EXCEPTIONS 0  // parse() returns syntax errors instead of throwing them.
// Disables the library's assertions. Version 3.3 asserts that a key comes after "[". Without the
// assertion, the library reports a missing key as a syntax error.
#define TOML_ASSERT(condition) static_assert(true)
#include <toml++/toml.h>

namespace rollcall {

namespace {

int line_of(const toml::source_region& source) { return static_cast<int>(source.begin.line); }

TomlTable table_of(const toml::table& table);

TomlValue value_of(const toml::node& node) {
    TomlValue value{{}, line_of(node.source())};
    if (const auto text = node.value_exact<std::string>()) {
        value.value = *text;
    } else if (const auto number = node.value_exact<int64_t>()) {
        value.value = *number;
    } else if (const auto flag = node.value_exact<bool>()) {
        value.value = *flag;
    } else if (const toml::array* const array = node.as_array()) {
        TomlArray members;
        for (const toml::node& member : *array) members.push_back(value_of(member));
        value.value = std::move(members);
    } else if (const toml::table* const table = node.as_table()) {
        value.value = table_of(*table);
    }
    return value;
}

TomlTable table_of(const toml::table& table) {
    TomlTable members;
    for (const auto& [key, node] : table)
        members.push_back({std::string(key.str()), value_of(node)});
    return members;
}

}  // namespace

std::expected<TomlTable, TomlSyntaxError> parse_toml(std::string_view text) {
    const toml::parse_result parsed = toml::parse(text);
    if (parsed) return table_of(parsed.table());
    return std::unexpected(TomlSyntaxError{line_of(parsed.error().source()),
                                           std::string(parsed.error().description())});
}

std::string quote_toml(const std::string& text) {
    std::ostringstream out;
    out << toml::toml_formatter(toml::value<std::string>(text),
                                toml::format_flags::allow_unicode_strings);
    return out.str();
}

}  // namespace rollcall
