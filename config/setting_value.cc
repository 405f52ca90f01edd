#include "config/setting_value.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

namespace rollcall {

namespace {

const Text* text_in(const TomlValue& toml) { return std::get_if<Text>(&toml.value); }

// Returns true if the name of a library's property indicates a secret or a file that contains one.
bool is_secret(std::string_view property) {
    return property.contains("password") || property.contains("secret") ||
           property.ends_with(".pem");
}

std::optional<Text> property_value(const TomlValue& toml) {
    if (const Text* text = text_in(toml)) return *text;
    if (const auto* number = std::get_if<int64_t>(&toml.value)) return std::to_string(*number);
    if (const auto* flag = std::get_if<bool>(&toml.value)) return *flag ? "true" : "false";
    return std::nullopt;
}

// Adds the members of the table to `properties`. In TOML, a dotted name without quotes is a table
// in a table. The members of such an inner table are added under the dotted name.
bool add_properties(const TomlTable& table, const std::string& prefix, Properties& properties) {
    return std::ranges::all_of(table, [&](const TomlMember& member) {
        const std::string name = prefix + member.name;
        if (const auto* inner = std::get_if<TomlTable>(&member.value.value))
            return add_properties(*inner, name + ".", properties);
        auto value = property_value(member.value);
        if (value) properties[name] = std::move(*value);
        return value.has_value();
    });
}

}  // namespace

// --- sizes and durations: strings in TOML ---

template <>
std::optional<Bytes> value_from_text<Bytes>(std::string_view text) {
    return parse_bytes(text);
}
template <>
std::optional<Bytes> value_from_toml<Bytes>(const TomlValue& toml) {
    const Text* const text = text_in(toml);
    return text != nullptr ? parse_bytes(*text) : std::nullopt;
}
template <>
std::string_view form_of<Bytes>() {
    return "a size with its unit, such as \"64KiB\"";
}
std::string value_to_toml(Bytes value) { return quote_toml(to_text(value)); }

template <>
std::optional<Millis> value_from_text<Millis>(std::string_view text) {
    return parse_millis(text);
}
template <>
std::optional<Millis> value_from_toml<Millis>(const TomlValue& toml) {
    const Text* const text = text_in(toml);
    return text != nullptr ? parse_millis(*text) : std::nullopt;
}
template <>
std::string_view form_of<Millis>() {
    return "a duration with its unit, such as \"30s\"";
}
std::string value_to_toml(Millis value) { return quote_toml(to_text(value)); }

// --- numbers and flags ---

template <>
std::optional<Count> value_from_text<Count>(std::string_view text) {
    Count value = 0;
    const char* const end = text.data() + text.size();
    if (std::from_chars(text.data(), end, value) != std::from_chars_result{end, std::errc{}})
        return std::nullopt;
    return value;
}
template <>
std::optional<Count> value_from_toml<Count>(const TomlValue& toml) {
    const auto* const number = std::get_if<int64_t>(&toml.value);
    if (number == nullptr || *number < 0) return std::nullopt;
    return static_cast<Count>(*number);
}
template <>
std::string_view form_of<Count>() {
    return "a whole number";
}
std::string value_to_toml(Count value) { return to_text(value); }

template <>
std::optional<Flag> value_from_text<Flag>(std::string_view text) {
    if (text == "true") return true;
    if (text == "false") return false;
    return std::nullopt;
}
template <>
std::optional<Flag> value_from_toml<Flag>(const TomlValue& toml) {
    const auto* const flag = std::get_if<bool>(&toml.value);
    return flag != nullptr ? std::optional(*flag) : std::nullopt;
}
template <>
std::string_view form_of<Flag>() {
    return "true or false";
}
std::string value_to_toml(Flag value) { return value ? "true" : "false"; }

// --- texts and lists of texts ---

template <>
std::optional<Text> value_from_text<Text>(std::string_view text) {
    return Text(text);
}
template <>
std::optional<Text> value_from_toml<Text>(const TomlValue& toml) {
    const Text* const text = text_in(toml);
    return text != nullptr ? std::optional(*text) : std::nullopt;
}
template <>
std::string_view form_of<Text>() {
    return "a text in quotes";
}
std::string value_to_toml(const Text& text) { return quote_toml(text); }

template <>
std::optional<List> value_from_text<List>(std::string_view text) {
    List values;
    for (size_t from = 0; from < text.size();) {
        const size_t comma = std::min(text.find(',', from), text.size());
        values.emplace_back(text.substr(from, comma - from));
        from = comma + 1;
    }
    return values;
}
template <>
std::optional<List> value_from_toml<List>(const TomlValue& toml) {
    if (const Text* text = text_in(toml)) return List{*text};
    const auto* const array = std::get_if<TomlArray>(&toml.value);
    if (array == nullptr) return std::nullopt;
    List values;
    for (const TomlValue& member : *array) {
        const Text* const text = text_in(member);
        if (text == nullptr) return std::nullopt;
        values.push_back(*text);
    }
    return values;
}
template <>
std::string_view form_of<List>() {
    return "a list of texts, such as [\"a\", \"b\"]";
}
std::string value_to_toml(const List& list) {
    std::string out;
    for (const Text& text : list) out.append(out.empty() ? "" : ", ").append(value_to_toml(text));
    return "[" + out + "]";
}

// --- properties of a library ---

template <>
std::optional<Properties> value_from_text<Properties>(std::string_view text) {
    Properties properties;
    const List list = value_from_text<List>(text).value();
    for (const Text& property : list) {
        const size_t equals = property.find('=');
        if (equals == 0 || equals == property.npos) return std::nullopt;
        if (!properties.emplace(property.substr(0, equals), property.substr(equals + 1)).second)
            return std::nullopt;
    }
    return properties;
}
template <>
std::optional<Properties> value_from_toml<Properties>(const TomlValue& toml) {
    const auto* const table = std::get_if<TomlTable>(&toml.value);
    Properties properties;
    if (table == nullptr || !add_properties(*table, "", properties)) return std::nullopt;
    return properties;
}
template <>
std::string_view form_of<Properties>() {
    return "a table of texts and numbers, such as {\"a.b\" = \"c\"}";
}
std::string value_to_toml(const Properties& properties) {
    std::string out;
    for (const auto& [name, value] : properties)
        out += fmt::format("{}{} = {}", out.empty() ? "" : ", ", value_to_toml(name),
                           value_to_toml(is_secret(name) ? "***" : value));
    return "{" + out + "}";
}

}  // namespace rollcall
