#include "config/load.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <map>
#include <memory>
#include <set>
#include <system_error>
#include <utility>

#include "config/cross_checks.h"
#include "config/setting_value.h"
#include "config/suggestions.h"
#include "config/toml.h"

namespace rollcall {

namespace {

std::vector<std::string_view> setting_names() {
    std::vector<std::string_view> names;
    const Settings settings;
    for_each_setting(settings, [&](const SettingInfo& setting, const auto&, const auto&) {
        names.push_back(setting.name);
    });
    return names;
}

// Returns the sections that have a section header in the file.
std::vector<std::string_view> section_names() {
    std::vector<std::string_view> names;
    for (const SectionInfo& section : sections_table)
        if (section.name != top_section) names.push_back(section.name);
    return names;
}

std::string did_you_mean(std::string_view name, const std::vector<std::string_view>& known_names) {
    const auto nearest = nearest_name(name, known_names);
    return nearest ? fmt::format("; did you mean {}?", *nearest) : "";
}

// If the bounds of the value are names, suggests the name that was probably meant.
template <size_t count>
std::string did_you_mean_value(const Text& value, const OneOf<count>& bounds) {
    return did_you_mean(value, {bounds.names.begin(), bounds.names.end()});
}
template <size_t count>
std::string did_you_mean_value(const List& values, const OneOf<count>& bounds) {
    const auto wrong = std::ranges::find_if(
        values, [&](const Text& value) { return !bounds.hold(std::string_view(value)); });
    return wrong == values.end() ? "" : did_you_mean_value(*wrong, bounds);
}
std::string did_you_mean_value(const auto&, const auto&) { return {}; }

// Parses the text as a TOML value. Returns nothing if the text is not exactly one value.
std::optional<TomlValue> toml_value(std::string_view text) {
    auto parsed = parse_toml(fmt::format("value = {}", text));
    if (!parsed || parsed->size() != 1) return std::nullopt;
    return std::move(parsed->front().value);
}

std::expected<std::string, std::string> read_file(const std::string& path) {
    const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "re"), &std::fclose);
    std::string text;
    if (file != nullptr) {
        char buffer[4096];
        while (const size_t count = std::fread(buffer, 1, sizeof buffer, file.get()))
            text.append(buffer, count);
        if (!std::ferror(file.get())) return text;
    }
    return std::unexpected(std::generic_category().message(errno));
}

// Returns the names of the settings that do not have their default value.
std::set<std::string_view> changed_names(const Settings& settings) {
    std::map<std::string_view, std::string> defaults;
    const Settings fallback;
    for_each_setting(fallback, [&](const SettingInfo& setting, const auto& value, const auto&) {
        defaults[setting.name] = value_to_toml(value);
    });
    std::set<std::string_view> names;
    for_each_setting(settings, [&](const SettingInfo& setting, const auto& value, const auto&) {
        if (defaults[setting.name] != value_to_toml(value)) names.insert(setting.name);
    });
    return names;
}

class Loader {
public:
    void read_settings_file(const std::string& path) {
        const auto text = read_file(path);
        if (!text) return add_problem(0, "", "cannot be read: " + text.error());
        const auto parsed = parse_toml(*text);
        if (!parsed) return add_problem(parsed.error().line, "", parsed.error().description);
        for (const auto& [name, value] : *parsed) {
            if (const auto* section = std::get_if<TomlTable>(&value.value))
                read_section(name, *section, value.line);
            else
                assign_toml(name, value.line, value);
        }
    }

    void read_set(std::string_view argument) {
        const size_t equals = argument.find('=');
        if (equals == std::string_view::npos || equals == 0)
            return add_problem(0, argument, "--set takes name=value");
        const std::string_view name = argument.substr(0, equals);
        const std::string_view text = argument.substr(equals + 1);
        const auto quoted = toml_value(quote_toml(Text(text)));
        if (!quoted || value_from_toml<Text>(*quoted) != text)
            return add_problem(0, name, "the value is not UTF-8");
        // Parse a quoted string, a list or a table as TOML. A text that only begins like one of
        // these, such as [::]:8080, is not valid TOML and is used as it is.
        const bool like_toml = std::string_view("\"'[{").contains(text.substr(0, 1));
        if (const auto literal = like_toml ? toml_value(text) : std::nullopt)
            return assign_toml(name, 0, *literal);
        assign(name, 0, [&]<class T>(const T&) { return value_from_text<T>(text); });
    }

    // Checks the settings against each other, once all are read.
    void cross_check() {
        for (const auto& [setting, message] : contradictions_in(settings_))
            add_problem(lines_[setting], setting, message);
    }

    [[nodiscard]] std::expected<Settings, std::vector<Problem>> result() {
        if (problems_.empty()) return std::move(settings_);
        return std::unexpected(std::move(problems_));
    }

private:
    void read_section(std::string_view section, const TomlTable& table, int line) {
        const auto known = section_names();
        if (std::ranges::find(known, section) == known.end())
            return add_problem(line, section, "unknown section" + did_you_mean(section, known));
        for (const auto& [key, value] : table)
            assign_toml(fmt::format("{}.{}", section, key), value.line, value);
    }

    void assign_toml(std::string_view name, int line, const TomlValue& toml) {
        assign(name, line, [&]<class T>(const T&) { return value_from_toml<T>(toml); });
    }

    // Sets the setting `name` to the result of read(current value). If the result has the wrong
    // type or is not within the bounds, adds a problem instead.
    template <class Read>
    void assign(std::string_view name, int line, const Read& read) {
        bool known = false;
        for_each_setting(settings_, [&]<class T>(const SettingInfo& setting, T& value,
                                                 const auto& bounds) {
            if (setting.name != name) return;
            known = true;
            lines_[setting.name] = line;
            auto given = read(value);
            if (!given)
                add_problem(line, name, fmt::format("must be {}", form_of<T>()));
            else if (!bounds.hold(*given))
                add_problem(line, name,
                            fmt::format("must be {}, not {}{}", bounds.in_words(),
                                        value_to_toml(*given), did_you_mean_value(*given, bounds)));
            else
                value = *std::move(given);
        });
        if (!known)
            add_problem(line, name, "unknown setting" + did_you_mean(name, setting_names()));
    }

    // Adds the problem after the problems of earlier lines. A problem without a line comes last.
    void add_problem(int line, std::string_view key, std::string message) {
        const auto next = std::ranges::find_if(problems_, [&](const Problem& other) {
            return line > 0 && (other.line == 0 || other.line > line);
        });
        problems_.insert(next, {line, std::string(key), std::move(message)});
    }

    Settings settings_;
    std::vector<Problem> problems_;
    std::map<std::string_view, int> lines_;  // The line that last set each setting.
};

}  // namespace

std::expected<Settings, std::vector<Problem>> load(const std::optional<std::string>& file,
                                                   const std::vector<std::string>& sets) {
    Loader loader;
    if (file) loader.read_settings_file(*file);
    for (const std::string& argument : sets) loader.read_set(argument);
    loader.cross_check();
    return loader.result();
}

std::string to_text(const Problem& problem, std::string_view file) {
    std::string text;
    if (problem.line > 0)
        text = fmt::format("{}:{}: ", file, problem.line);
    else if (problem.key.empty())
        text = fmt::format("{}: ", file);
    if (!problem.key.empty()) text += problem.key + ": ";
    return text + problem.message;
}

std::string to_toml(const Settings& settings, Defaults defaults) {
    const std::set<std::string_view> changed = changed_names(settings);
    std::string out =
        "# Settings of rollcalld. Each description is followed by the allowed values and by how a\n"
        "# change takes effect: on reload (live) or after a restart.\n";
    if (defaults == Defaults::commented_out)
        out +=
            "# A line such as #workers = 0 shows a default. Remove its # to set another value.\n";
    for (const auto& [section, about] : sections_table) {
        if (section == top_section)
            out += fmt::format("\n# {}\n", about);
        else
            out += fmt::format("\n[{}]  # {}\n", section, about);
        for_each_setting(
            settings, [&](const SettingInfo& setting, const auto& value, const auto& bounds) {
                if (setting.section != section) return;
                const std::string words = bounds.in_words();
                const bool is_commented_out =
                    defaults == Defaults::commented_out && !changed.contains(setting.name);
                out += fmt::format("\n# {}\n# ({}{}{})\n{}{} = {}\n", setting.help, words,
                                   words.empty() ? "" : "; ", to_text(setting.reload),
                                   is_commented_out ? "#" : "", setting.key, value_to_toml(value));
            });
    }
    return out;
}

}  // namespace rollcall
