// Settings: the table settings.def as structs with defaults, and as a list of keys with bounds.
//
// A default that is not within its bounds does not compile.
//
// Threads: load() creates the settings; afterwards any thread may read them.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/units.h"

namespace rollcall {

using Count = uint64_t;
using Flag = bool;
using Text = std::string;
using List = std::vector<std::string>;
using Properties = std::map<std::string, std::string>;

inline std::string to_text(Count count) { return std::to_string(count); }

// --- bounds of a value ---

template <class T>
struct Between {
    T low;
    T high;

    [[nodiscard]] constexpr bool hold(const T& value) const {
        return low <= value && value <= high;
    }
    [[nodiscard]] std::string in_words() const {
        return "between " + to_text(low) + " and " + to_text(high);
    }
};

template <size_t count>
struct OneOf {
    std::array<std::string_view, count> names;

    [[nodiscard]] constexpr bool hold(std::string_view value) const {
        return std::ranges::find(names, value) != names.end();
    }
    template <class Values>
        requires(!std::convertible_to<const Values&, std::string_view>)
    [[nodiscard]] constexpr bool hold(const Values& values) const {
        return std::ranges::all_of(values, [this](std::string_view value) { return hold(value); });
    }
    [[nodiscard]] std::string in_words() const {
        std::string words;
        for (const std::string_view name : names)
            words.append(words.empty() ? "one of " : ", ").append(name);
        return words;
    }
};

template <size_t count>
struct Without {
    std::array<std::string_view, count> names;

    [[nodiscard]] constexpr bool hold(const auto& properties) const {
        return std::ranges::none_of(properties, [this](const auto& property) {
            return std::ranges::find(names, property.first) != names.end();
        });
    }
    [[nodiscard]] std::string in_words() const {
        std::string words;
        for (const std::string_view name : names)
            words.append(words.empty() ? "a table without " : ", ").append(name);
        return words;
    }
};

struct Anything {
    [[nodiscard]] constexpr bool hold(const auto&) const { return true; }
    [[nodiscard]] std::string in_words() const { return {}; }
};

constexpr Between<Count> between(Count low, Count high) { return {low, high}; }
constexpr Between<Bytes> between(Bytes low, Bytes high) { return {low, high}; }
constexpr Between<Millis> between(Millis low, Millis high) { return {low, high}; }

template <class... Names>
constexpr OneOf<sizeof...(Names)> one_of(Names... names) {
    return {{names...}};
}

template <class... Names>
constexpr Without<sizeof...(Names)> without(Names... names) {
    return {{names...}};
}

inline constexpr Anything anything;

// --- the table ---

using namespace std::chrono_literals;

struct Settings {
#define SECTION(name, help) struct name##_section {
#define SETTING(section, key, type, fallback, bounds, reload, help) type key = fallback;
#define END(name)                                           \
    bool operator==(const name##_section&) const = default; \
    }                                                       \
    name;
#include "config/settings.def"
#undef SECTION
#undef SETTING
#undef END

    bool operator==(const Settings&) const = default;
};

// The compile-time type of a default. For Text, the type is std::string_view, because clang 19 does
// not accept GCC 12's std::string as constexpr.
template <class T>
using Constant = std::conditional_t<
    std::same_as<T, Text>, std::string_view,
    std::conditional_t<
        std::same_as<T, List>, std::initializer_list<std::string_view>,
        std::conditional_t<std::same_as<T, Properties>,
                           std::initializer_list<std::pair<std::string_view, std::string_view>>,
                           T>>>;

#define SECTION(name, help)
#define SETTING(section, key, type, fallback, bounds, reload, help) \
    static_assert(                                                  \
        [] {                                                        \
            const Constant<type> value = fallback;                  \
            return bounds.hold(value);                              \
        }(),                                                        \
        #section "." #key ": the default is out of bounds");
#define END(name)
#include "config/settings.def"
#undef SECTION
#undef SETTING
#undef END

struct SectionInfo {
    std::string_view name;
    std::string_view help;
};

inline constexpr SectionInfo sections_table[] = {
#define SECTION(name, help) {#name, help},
#define SETTING(section, key, type, fallback, bounds, reload, help)
#define END(name)
#include "config/settings.def"
#undef SECTION
#undef SETTING
#undef END
};

// The section whose keys are at the top of the file.
inline constexpr std::string_view top_section = "general";

enum class Reload : uint8_t { live, restart };

constexpr std::string_view to_text(Reload reload) {
    return reload == Reload::live ? "live" : "restart";
}

struct SettingInfo {
    std::string_view section;
    std::string_view key;
    std::string_view name;  // The name as the operator writes it: `workers`, `spool.sync`.
    Reload reload;
    std::string_view help;
};

// Calls visit(info, value, bounds) for every setting, in the order of the table.
template <class MaybeConstSettings, class Visit>
void for_each_setting(MaybeConstSettings& settings, Visit&& visit) {
#define SECTION(name, help)
#define SETTING(section, key, type, fallback, bounds, reload, help)                       \
    visit(SettingInfo{#section, #key, #section == top_section ? #key : #section "." #key, \
                      Reload::reload, help},                                              \
          settings.section.key, bounds);
#define END(name)
#include "config/settings.def"
#undef SECTION
#undef SETTING
#undef END
}

}  // namespace rollcall
