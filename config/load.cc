#include "config/load.h"

#include <arpa/inet.h>
#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <limits>
#include <map>
#include <memory>
#include <numeric>
#include <sstream>
#include <system_error>
#include <utility>

#define TOML_EXCEPTIONS 0  // A syntax error is a value.
// Version 3.3 asserts that a key follows "[", though the line after the assert reports if none
// does.
#define TOML_ASSERT(condition) static_assert(true)
#include <toml++/toml.h>

namespace rollcall {

namespace {

// --- values to TOML ---

std::string in_toml(const Text& text) {
    std::ostringstream out;
    out << toml::toml_formatter(toml::value<std::string>(text),
                                toml::format_flags::allow_unicode_strings);
    return out.str();
}
std::string in_toml(Bytes value) { return in_toml(to_text(value)); }
std::string in_toml(Millis value) { return in_toml(to_text(value)); }
std::string in_toml(Count value) { return to_text(value); }
std::string in_toml(Flag value) { return value ? "true" : "false"; }
std::string in_toml(const List& list) {
    std::string out;
    for (const Text& text : list) out.append(out.empty() ? "" : ", ").append(in_toml(text));
    return "[" + out + "]";
}

// What a library calls so is a secret, or the name of a file with one.
bool is_secret(std::string_view property) {
    return property.contains("password") || property.contains("secret") ||
           property.ends_with(".pem");
}
std::string in_toml(const Properties& properties) {
    std::string out;
    for (const auto& [name, value] : properties)
        out += fmt::format("{}{} = {}", out.empty() ? "" : ", ", in_toml(name),
                           in_toml(is_secret(name) ? "***" : value));
    return "{" + out + "}";
}

// --- values from text and from TOML: false if it is none of the type ---

std::string_view form_of(Bytes) { return "a size with its unit, such as \"64KiB\""; }
std::string_view form_of(Millis) { return "a duration with its unit, such as \"30s\""; }
std::string_view form_of(Count) { return "a whole number"; }
std::string_view form_of(Flag) { return "true or false"; }
std::string_view form_of(const Text&) { return "a text in quotes"; }
std::string_view form_of(const List&) { return "a list of texts, such as [\"a\", \"b\"]"; }
std::string_view form_of(const Properties&) {
    return "a table of texts and numbers, such as {\"a.b\" = \"c\"}";
}

template <class T>
bool take(std::optional<T> found, T& value) {
    if (found) value = std::move(*found);
    return found.has_value();
}

bool read(std::string_view text, Bytes& value) { return take(parse_bytes(text), value); }
bool read(std::string_view text, Millis& value) { return take(parse_millis(text), value); }
bool read(std::string_view text, Count& value) {
    const char* const end = text.data() + text.size();
    return std::from_chars(text.data(), end, value) == std::from_chars_result{end, std::errc{}};
}
bool read(std::string_view text, Flag& value) {
    value = text == "true";
    return value || text == "false";
}
bool read(std::string_view text, Text& value) {
    value = text;
    return true;
}
bool read(std::string_view text, List& values) {
    values.clear();
    for (size_t from = 0; from < text.size();) {
        const size_t comma = std::min(text.find(',', from), text.size());
        values.emplace_back(text.substr(from, comma - from));
        from = comma + 1;
    }
    return true;
}

bool read(std::string_view text, Properties& properties) {
    List list;
    properties.clear();
    (void)read(text, list);
    return std::ranges::all_of(list, [&](const std::string& property) {
        const size_t equals = property.find('=');
        if (equals == 0 || equals == property.npos) return false;
        return properties.emplace(property.substr(0, equals), property.substr(equals + 1)).second;
    });
}

// Sizes and durations are strings in TOML.
template <class T>
bool read(const toml::node& node, T& value) {
    const auto text = node.value_exact<std::string>();
    return text && read(std::string_view(*text), value);
}
bool read(const toml::node& node, Count& value) {
    const auto number = node.value_exact<int64_t>();
    value = static_cast<Count>(number.value_or(0));
    return number && *number >= 0;
}
bool read(const toml::node& node, Flag& value) { return take(node.value_exact<bool>(), value); }
bool read(const toml::node& node, List& values) {
    values.clear();
    const toml::array* const array = node.as_array();
    if (array == nullptr) return read(node, values.emplace_back());  // A text is a list of one.
    return std::ranges::all_of(
        *array, [&](const toml::node& member) { return read(member, values.emplace_back()); });
}

// A dotted name without quotes is a table in a table.
bool read(const toml::table& table, const std::string& prefix, Properties& properties) {
    return std::ranges::all_of(table, [&](const auto& member) {
        const auto& [key, node] = member;
        const std::string name = prefix + std::string(key.str());
        if (const toml::table* inner = node.as_table()) return read(*inner, name + ".", properties);
        std::string& value = properties[name];
        if (const auto text = node.template value_exact<std::string>())
            value = *text;
        else if (const auto number = node.template value_exact<int64_t>())
            value = std::to_string(*number);
        else if (const auto flag = node.template value_exact<bool>())
            value = *flag ? "true" : "false";
        else
            return false;
        return true;
    });
}
bool read(const toml::node& node, Properties& properties) {
    properties.clear();
    const toml::table* const table = node.as_table();
    return table != nullptr && read(*table, "", properties);
}

int line_of(const toml::source_region& source) { return static_cast<int>(source.begin.line); }

// A table with `value`, or an empty one if the text is not one value of TOML.
toml::table toml_value(std::string_view text) {
    toml::parse_result parsed = toml::parse(fmt::format("value = {}", text));
    if (!parsed || parsed.table().size() != 1) return {};
    return std::move(parsed).table();
}

// MQTT 3.1.1, section 4.7.1: + and # stand for whole levels, # only for the last ones.
bool is_topic_filter(std::string_view filter) {
    for (size_t at = 0; at <= filter.size();) {
        const size_t end = std::min(filter.find('/', at), filter.size());
        const std::string_view level = filter.substr(at, end - at);
        const bool wild = level.find_first_of("+#") != level.npos;
        if (wild && level.size() > 1) return false;
        if (level == "#" && end != filter.size()) return false;
        at = end + 1;
    }
    return !filter.empty();
}

// --- names ---

// How many characters must be put in, taken out or changed to make `a` of `b`.
size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<size_t> row(b.size() + 1);  // Distances of a's first i characters to b's first j.
    std::iota(row.begin(), row.end(), 0);
    for (size_t i = 0; i < a.size(); ++i) {
        size_t diagonal = std::exchange(row[0], i + 1);
        for (size_t j = 0; j < b.size(); ++j) {
            const size_t change = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({change, row[j] + 1, diagonal + 1});
        }
    }
    return row[b.size()];
}

std::string_view last_part(std::string_view name) { return name.substr(name.rfind('.') + 1); }

std::vector<std::string_view> setting_names() {
    std::vector<std::string_view> names;
    const Settings settings;
    for_each_setting(settings, [&](const SettingInfo& setting, const auto&, const auto&) {
        names.push_back(setting.name);
    });
    return names;
}

// Those that have a line of their own in the file.
std::vector<std::string_view> section_names() {
    std::vector<std::string_view> names;
    for (const SectionInfo& section : sections_table)
        if (section.name != top_section) names.push_back(section.name);
    return names;
}

// Which of `names` was probably meant: a few characters away, or the same key in another section.
std::string did_you_mean(std::string_view name, const std::vector<std::string_view>& names) {
    std::string_view nearest;
    size_t too_far = std::max<size_t>(2, name.size() / 3) + 1;
    for (const std::string_view known : names) {
        const bool same_key = last_part(known) == last_part(name);
        const size_t distance = same_key ? 1 : edit_distance(name, known);
        if (distance >= too_far) continue;
        too_far = distance;
        nearest = known;
    }
    return nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest);
}

// --- addresses ---

enum class Reach : uint8_t { loopback, network };

// Who can reach a listener at `host`; nothing if it is neither IPv4, [IPv6] nor localhost.
std::optional<Reach> reach_of_host(const std::string& host) {
    if (host == "localhost") return Reach::loopback;
    in_addr ipv4;
    if (inet_pton(AF_INET, host.c_str(), &ipv4) == 1)
        return ntohl(ipv4.s_addr) >> 24 == 127 ? Reach::loopback : Reach::network;
    in6_addr ipv6;
    if (host.starts_with('[') && host.ends_with(']') &&
        inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &ipv6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&ipv6) ? Reach::loopback : Reach::network;
    return std::nullopt;
}

std::optional<Reach> reach_of(std::string_view address) {
    const size_t colon = address.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    Count port = 0;
    if (!read(address.substr(colon + 1), port) || port > std::numeric_limits<uint16_t>::max())
        return std::nullopt;
    return reach_of_host(std::string(address.substr(0, colon)));
}

// --- the loader ---

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

class Loader {
public:
    void read_settings_file(const std::string& path) {
        const auto text = read_file(path);
        if (!text) return complain(0, "", "cannot be read: " + text.error());
        const toml::parse_result parsed = toml::parse(*text);
        if (!parsed)
            return complain(line_of(parsed.error().source()), "",
                            std::string(parsed.error().description()));
        for (const auto& [key, node] : parsed.table()) {
            if (const toml::table* section = node.as_table())
                read_section(key.str(), *section);
            else
                assign(key.str(), node);
        }
    }

    void read_set(std::string_view argument) {
        const size_t equals = argument.find('=');
        if (equals == std::string_view::npos || equals == 0)
            return complain(0, argument, "--set takes name=value");
        const std::string_view name = argument.substr(0, equals);
        const std::string_view text = argument.substr(equals + 1);
        if (toml_value(in_toml(Text(text)))["value"] != text)
            return complain(0, name, "the value is not UTF-8");
        // A quoted string, a list or a table in TOML's words, unless it only begins like one:
        // [::]:8080.
        const bool quoted = std::string_view("\"'[{").contains(text.substr(0, 1));
        const toml::table literal = quoted ? toml_value(text) : toml::table();
        if (const toml::node* node = literal.get("value"))
            assign(name, 0, [&](auto& value) { return read(*node, value); });
        else
            assign(name, 0, [&](auto& value) { return read(text, value); });
    }

    // Checks what no setting can tell alone.
    void check_together() {
        check_addresses("http.listen", settings_.http.listen, anonymous_stays_home());
        check_addresses("mqtt.listen", settings_.mqtt.listen, anonymous_stays_home());
        check_addresses("http.tls_listen", settings_.http.tls_listen, anonymous_stays_home());
        check_addresses("mqtt.tls_listen", settings_.mqtt.tls_listen, anonymous_stays_home());
        check_addresses("admin.listen", settings_.admin.listen, false);

        const auto& auth = settings_.auth;
        if (auth.mode == "tokens" && auth.tokens_file.empty() && auth.signing_keys_file.empty() &&
            settings_.tls.client_ca.empty())
            complain_about(
                "auth.mode",
                "tokens needs auth.tokens_file, auth.signing_keys_file or tls.client_ca");

        for (const auto& path : settings_.http.paths)
            if (!path.starts_with('/'))
                complain_about("http.paths", fmt::format("must begin with /, not \"{}\"", path));
        for (const auto& filter : settings_.mqtt.topics)
            if (!is_topic_filter(filter))
                complain_about("mqtt.topics", fmt::format("not a topic filter: \"{}\"", filter));

        const auto& tls = settings_.tls;
        if (tls.certificate.size() != tls.key.size())
            complain_about("tls.key", "must name a key for each of tls.certificate");
        for (const auto& [name, addresses] :
             {std::pair("http.tls_listen", settings_.http.tls_listen),
              std::pair("mqtt.tls_listen", settings_.mqtt.tls_listen)})
            if (!addresses.empty() && tls.certificate.empty())
                complain_about(name, "needs tls.certificate and tls.key");

        List sinks = settings_.general.sinks;
        std::ranges::sort(sinks);
        if (sinks.empty()) complain_about("sinks", "must name at least one sink");
        if (const auto twice = std::ranges::adjacent_find(sinks); twice != sinks.end())
            complain_about("sinks", fmt::format("names {} twice", *twice));

        const auto& kafka = settings_.kafka;
        if (kafka.brokers.empty()) complain_about("kafka.brokers", "must name at least one broker");
        if (kafka.sasl_mechanism != "none" && (kafka.user.empty() || kafka.password_file.empty()))
            complain_about("kafka.sasl_mechanism", "needs kafka.user and kafka.password_file");
        if (kafka.tls_certificate.empty() != kafka.tls_key.empty())
            complain_about("kafka.tls_certificate", "goes with kafka.tls_key");

        const Bytes slot = settings_.ingest.slot_text_max;
        if (settings_.delivery.batch_text_max < slot)
            complain_about(
                "delivery.batch_text_max",
                fmt::format("must take a slot: ingest.slot_text_max is {}", to_text(slot)));
    }

    [[nodiscard]] std::expected<Settings, std::vector<Problem>> result() {
        if (problems_.empty()) return std::move(settings_);
        return std::unexpected(std::move(problems_));
    }

private:
    void read_section(std::string_view section, const toml::table& table) {
        const auto known = section_names();
        if (std::ranges::find(known, section) == known.end())
            return complain(line_of(table.source()), section,
                            "unknown section" + did_you_mean(section, known));
        for (const auto& [key, node] : table)
            assign(fmt::format("{}.{}", section, key.str()), node);
    }

    void assign(std::string_view name, const toml::node& node) {
        assign(name, line_of(node.source()), [&](auto& value) { return read(node, value); });
    }

    // Gives the setting `name` what read_into(value) makes of the value given.
    template <class ReadInto>
    void assign(std::string_view name, int line, const ReadInto& read_into) {
        bool known = false;
        for_each_setting(
            settings_, [&](const SettingInfo& setting, auto& value, const auto& bounds) {
                if (setting.name != name) return;
                known = true;
                lines_[setting.name] = line;
                auto given = value;
                if (!read_into(given))
                    complain(line, name, fmt::format("must be {}", form_of(value)));
                else if (!bounds.hold(given))
                    complain(line, name,
                             fmt::format("must be {}, not {}", bounds.in_words(), in_toml(given)));
                else
                    value = given;
            });
        if (!known) complain(line, name, "unknown setting" + did_you_mean(name, setting_names()));
    }

    [[nodiscard]] bool anonymous_stays_home() const {
        return settings_.auth.mode == "anonymous" && !settings_.auth.anonymous_anywhere;
    }

    void check_addresses(std::string_view name, const List& addresses, bool only_loopback) {
        for (const Text& address : addresses) {
            const auto reach = reach_of(address);
            if (!reach)
                complain_about(name, fmt::format("{} is not an address such as 127.0.0.1:8080, "
                                                 "[::1]:8080 or localhost:8080",
                                                 in_toml(address)));
            else if (*reach == Reach::network && only_loopback)
                complain_about(name,
                               fmt::format("{} takes anonymous check-ins from other machines; "
                                           "if that is meant, set auth.anonymous_anywhere",
                                           in_toml(address)));
        }
    }

    // Puts the problem behind those of earlier lines, or behind all if it has no line.
    void complain(int line, std::string_view key, std::string message) {
        const auto behind = std::ranges::find_if(problems_, [&](const Problem& other) {
            return line > 0 && (other.line == 0 || other.line > line);
        });
        problems_.insert(behind, {line, std::string(key), std::move(message)});
    }
    void complain_about(std::string_view name, std::string message) {
        complain(lines_[name], name, std::move(message));
    }

    Settings settings_;
    std::vector<Problem> problems_;
    std::map<std::string_view, int> lines_;  // Where each setting was given last.
};

}  // namespace

std::expected<Settings, std::vector<Problem>> load(const std::optional<std::string>& file,
                                                   const std::vector<std::string>& sets) {
    Loader loader;
    if (file) loader.read_settings_file(*file);
    for (const std::string& argument : sets) loader.read_set(argument);
    loader.check_together();
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

std::string to_toml(const Settings& settings) {
    std::string out =
        "# Settings of rollcalld. Below its sentence stands what a setting may be, and whether a\n"
        "# change is applied by a reload (live) or takes a restart.\n";
    for (const auto& [section, about] : sections_table) {
        if (section == top_section)
            out += fmt::format("\n# {}\n", about);
        else
            out += fmt::format("\n[{}]  # {}\n", section, about);
        for_each_setting(
            settings, [&](const SettingInfo& setting, const auto& value, const auto& bounds) {
                if (setting.section != section) return;
                const std::string words = bounds.in_words();
                out += fmt::format("\n# {}\n# ({}{}{})\n{} = {}\n", setting.help, words,
                                   words.empty() ? "" : "; ", to_text(setting.reload), setting.key,
                                   in_toml(value));
            });
    }
    return out;
}

}  // namespace rollcall
