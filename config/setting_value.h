// Setting values: reads the value of a setting, from TOML or from the text of --set, according to
// the type of the setting. Also writes the value as TOML.
//
//   type         in TOML                         in --set
//   Bytes        "64KiB"                         64KiB
//   Millis       "30s"                           30s
//   Count        4                               4
//   Flag         true                            true
//   Text         "a"                             a
//   List         ["a", "b"], or "a" for one      a,b
//   Properties   {"a.b" = "c", d = 1}            a.b=c,d=1
//
// The functions check only the type; the caller checks bounds.
//
// Threads: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/settings.h"
#include "config/toml.h"

namespace rollcall {

// Reads a value in the notation of --set. Returns nothing if the text is not of type T.
template <class T>
[[nodiscard]] std::optional<T> value_from_text(std::string_view text);

// Reads a value from a settings file. Returns nothing if the value is not of type T.
template <class T>
[[nodiscard]] std::optional<T> value_from_toml(const TomlValue& toml);

// Returns a text that describes the values of type T and completes the sentence "must be ...".
template <class T>
[[nodiscard]] std::string_view form_of();

#define SETTING_TYPE(type)                                                     \
    template <>                                                                \
    [[nodiscard]] std::optional<type> value_from_text<type>(std::string_view); \
    template <>                                                                \
    [[nodiscard]] std::optional<type> value_from_toml<type>(const TomlValue&); \
    template <>                                                                \
    [[nodiscard]] std::string_view form_of<type>();
SETTING_TYPE(Bytes)
SETTING_TYPE(Millis)
SETTING_TYPE(Count)
SETTING_TYPE(Flag)
SETTING_TYPE(Text)
SETTING_TYPE(List)
SETTING_TYPE(Properties)
#undef SETTING_TYPE

// Write a value as TOML. A property whose name indicates a secret is written as "***".
[[nodiscard]] std::string value_to_toml(const Text& text);
[[nodiscard]] std::string value_to_toml(Bytes value);
[[nodiscard]] std::string value_to_toml(Millis value);
[[nodiscard]] std::string value_to_toml(Count value);
[[nodiscard]] std::string value_to_toml(Flag value);
[[nodiscard]] std::string value_to_toml(const List& list);
[[nodiscard]] std::string value_to_toml(const Properties& properties);

}  // namespace rollcall
