#include "tests/support/dialects.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "pipeline/base/utf8.h"
#include "pipeline/decode/keys.h"

namespace rollcall {

namespace {

using Texts = std::vector<std::string>;

// --- names of columns ---

struct Name {
    std::string object{};  // The object of a path "object.member", or empty.
    std::string member{};
    bool weak = false;
    bool in_use = false;
    bool two = false;
    bool pairs_only = false;
};

std::vector<Name> names_of(Column column) {
    std::vector<Name> names;
    std::string_view words = info(column).keys;
    while (!words.empty()) {
        std::string_view word = words.substr(0, words.find(' '));
        words.remove_prefix(std::min(word.size() + 1, words.size()));
        Name name;
        for (;; word.remove_suffix(1)) {
            if (word.ends_with('~'))
                name.weak = true;
            else if (word.ends_with('+'))
                name.in_use = true;
            else if (word.ends_with(','))
                name.two = true;
            else if (word.ends_with('='))
                name.pairs_only = true;
            else if (std::string_view("?^%#").find(word.back()) == std::string_view::npos)
                break;
        }
        const size_t dot = word.find('.');
        if (dot != word.npos) name.object = word.substr(0, dot);
        name.member = word.substr(dot == word.npos ? 0 : dot + 1);
        names.push_back(name);
    }
    return names;
}

// Returns a random spelling of a name. Case and separators have no meaning, so cpucount, cpuCount,
// CPU-Count, cpu_count and cp.ucount are one name.
std::string spelled(Random& random, std::string_view name) {
    const auto separator = random.one_of<char>({'-', '_', '.', ' '});
    // 0 is lower case, 1 is camel case, 2 has separators, 3 has separators and capitals.
    const uint64_t style = random.below(4);
    std::string text;
    for (const char letter : name) {
        const bool begins_word = !text.empty() && random.one_in(4);
        if (begins_word && style >= 2) text += separator;
        const bool capital = style == 3 || (style == 1 && begins_word);
        text +=
            static_cast<char>(capital && letter >= 'a' && letter <= 'z' ? letter - 0x20 : letter);
    }
    return text;
}

// --- a row as names and values ---

struct Pair {
    Column column;
    Name name;
    Spelling value;
};

enum class Format : uint8_t { json, pairs, header };

// Returns a name with the same meaning that is composed of words, such as `devicefreememory` or
// `freememorybytes`. Returns `name` if no such name exists.
Name composed(Random& random, Column column, const Name& name) {
    const bool has_unit = info(column).value == Value::bytes && random.one_in(2);
    const std::string member =
        has_unit ? name.member + "bytes"
                 : random.one_of(Texts{"device", "router", "system"}) + name.member;
    const Key key = find_key(member);
    const bool is_same = key && key->column == column && info(column).value != Value::device &&
                         !key->share && !key->in_use && key->scale == 1;
    return is_same ? Name{.member = member, .weak = true} : name;
}

Name name_for(Random& random, Column column, Format format, bool in_use = false) {
    auto names = names_of(column);
    std::erase_if(names, [&](const Name& name) {
        return name.two || name.in_use != in_use || (name.pairs_only && format != Format::pairs);
    });
    const Name name = random.one_of(names);
    const bool may_be_composed = !in_use && name.object.empty() && random.one_in(4);
    return may_be_composed ? composed(random, column, name) : name;
}

// In half of the calls, adds pairs that report the total and the free size in another form. That
// form is the used size together with the total or the free size, or one value "mem=free,total".
void add_sizes(Random& random, RandomRow& row, Format format, Column total, Column free,
               std::vector<Pair>& pairs, std::set<Column>& reported) {
    if (!row.cells.contains(total) || !row.cells.contains(free) || random.one_in(2)) return;
    const int64_t all = std::get<int64_t>(row.cells[total]);
    const int64_t left = std::get<int64_t>(row.cells[free]);
    const auto add = [&](Column column, const Name& name, int64_t size) {
        pairs.push_back({column, name, random_spelling(random, column, size)});
    };
    if (format != Format::json && free == Column::mem_free && random.one_in(2)) {
        pairs.push_back({free, {.member = "mem"}, {fmt::format("{},{}", left, all)}});
    } else {
        add(total, name_for(random, total, format, true), all - left);
        const Column other = random.one_in(2) ? total : free;
        add(other, name_for(random, other, format), other == total ? all : left);
    }
    reported.insert({total, free});
}

std::vector<Pair> pairs_of(Random& random, RandomRow& row, Format format) {
    std::vector<Pair> pairs;
    std::set<Column> reported;
    add_sizes(random, row, format, Column::mem_total, Column::mem_free, pairs, reported);
    add_sizes(random, row, format, Column::disk_total, Column::disk_free, pairs, reported);
    for (size_t i = 0; i < columns_count; ++i) {
        const auto column = static_cast<Column>(i);
        if (info(column).value == Value::given || reported.contains(column)) continue;
        const auto cell = row.cells.find(column);
        if (cell != row.cells.end()) {
            pairs.push_back({column, name_for(random, column, format),
                             random_spelling(random, column, cell->second)});
        } else if (!row.beside.contains(column) && random.one_in(10)) {
            // This pair has no value, so the column stays empty.
            pairs.push_back({column,
                             name_for(random, column, format),
                             {random.one_of(Texts{"", "none", "null"})}});
        }
    }
    // In half of the cases, report the channel as a part of the version instead of under a name of
    // its own.
    const auto is = [](Column column) {
        return [column](const Pair& pair) { return pair.column == column; };
    };
    const auto version = std::ranges::find_if(pairs, is(Column::version));
    const auto channel = row.cells.find(Column::channel);
    const bool fits =
        channel != row.cells.end() &&
        std::get<std::string>(channel->second).find_first_of("()") == std::string::npos;
    if (fits && row.cells.contains(Column::version) && random.one_in(2)) {
        version->value = {fmt::format("{} ({})", std::get<std::string>(row.cells[Column::version]),
                                      std::get<std::string>(channel->second))};
        std::erase_if(pairs, is(Column::channel));
    }
    random.shuffle(pairs);
    return pairs;
}

// --- JSON ---

void append_unit(std::string& out, uint32_t unit, bool capitals) {
    out += capitals ? fmt::format("\\u{:04X}", unit) : fmt::format("\\u{:04x}", unit);
}

// Returns `text` as a JSON string in which some characters are escaped without need.
std::string random_json_string(Random& random, std::string_view text) {
    const uint64_t rarity = random.one_of<uint64_t>({1, 4, 1000});
    std::string out = "\"";
    while (!text.empty()) {
        const auto lead = static_cast<unsigned char>(text[0]);
        const size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        uint32_t c = length == 1 ? lead : lead & (0xFFu >> (length + 1));
        for (size_t i = 1; i < length; ++i)
            c = c << 6 | (static_cast<unsigned char>(text[i]) & 0x3Fu);
        const std::string_view character = text.substr(0, length);
        text.remove_prefix(length);
        const size_t named = std::string_view("\"\\/\b\f\n\r\t").find(static_cast<char>(c));
        const bool must = c < 0x20 || c == '"' || c == '\\';
        if (!must && !random.one_in(rarity)) {
            out += character;
        } else if (c < 0x80 && named != std::string_view::npos && random.one_in(2)) {
            out += {'\\', "\"\\/bfnrt"[named]};
        } else if (c < 0x10000) {
            append_unit(out, c, random.one_in(2));
        } else {
            append_unit(out, 0xD800 + ((c - 0x10000) >> 10), true);
            append_unit(out, 0xDC00 + ((c - 0x10000) & 0x3FF), false);
        }
    }
    return out + '"';
}

// Writes an object whose members have a random order and random space between them.
std::string object(Random& random, std::vector<std::string> members) {
    random.shuffle(members);
    const std::string space = random.one_of(Texts{"", "", " ", "\r\n\t"});
    return fmt::format("{{{}{}{}}}", space, fmt::join(members, "," + space), space);
}

struct JsonStyle {
    bool nested;
    bool all_texts;  // All values are strings, as in RouterOS's REST interface.
};

std::string value_in_json(Random& random, const JsonStyle& style, const Pair& pair,
                          RandomRow& row) {
    const Spelling& value = pair.value;
    if (value.text == "null" && random.one_in(2)) return "null";
    if (value.bare && !style.all_texts && random.one_in(2)) {
        if (info(pair.column).value == Value::serial) {
            row.warnings.insert("serial_from_number");
            if (random.one_in(2)) return value.text + ".000000";
        }
        return value.text;
    }
    const std::string space = random.one_in(6) ? " " : "";
    return random_json_string(random, space + value.text + space);
}

// Returns a member that no column reads.
std::string noise_in_json(Random& random) {
    return random.one_of(Texts{
        R"("routerboard":true)", R"("revision":"")", R"("build-time":"2025-01-16 08:19:28")",
        R"("interfaces":[{"name":"ether1","rx-byte":18446744073709551615,"running":"yes"},[],{}])",
        R"("wireless":[{"ssid":"A","uptime":"1d","signal-strength":"-57dBm@6Mbps"}])",
        R"("cpu-name":{"uptime":5,"deep":[[{"version":"1.0"}]]})", R"("":null)",
        R"("x":[1,2,"3"])"});
}

// Returns true if decode would read this member of this object as another column.
bool is_read_as_another_column(const std::string& in, const Pair& pair) {
    const Key key = find_key(in, pair.name.member);
    return key && key->column != pair.column;
}

bool is_sensor(Column column) {
    return column == Column::temp_c || column == Column::cpu_temp_c ||
           column == Column::voltage_v || column == Column::power_w;
}

std::string row_in_json(Random& random, RandomRow& row, const JsonStyle& style) {
    static const Texts groups = {"system",    "resource",      "routerboard", "health",
                                 "inventory", "metrics",       "router",      "system-health",
                                 "Status",    "systemResource"};
    static const Texts unknown_objects = {"overview", "my-agent", "Things"};
    std::map<std::string, std::vector<std::string>> objects;  // The members of each object.
    std::vector<std::string> sensors;
    std::vector<std::string> top;
    for (const Pair& pair : pairs_of(random, row, Format::json)) {
        const Name& name = pair.name;
        const std::string value = value_in_json(random, style, pair, row);
        const auto member = [&](std::string_view key) {
            return fmt::format("{}:{}", random_json_string(random, spelled(random, key)), value);
        };
        if (!style.nested) {
            top.push_back(member(name.object + name.member));
        } else if (!name.object.empty()) {
            objects[name.object].push_back(member(name.member));
        } else if (is_sensor(pair.column) && random.one_in(2)) {
            const std::string sensor = random_json_string(random, spelled(random, name.member));
            sensors.push_back(object(random, {"\"name\":" + sensor, "\"value\":" + value,
                                              R"("type":"V")", R"(".id":"*1")"}));
        } else if (const auto& group = random.one_of(groups);
                   random.one_in(2) && !is_read_as_another_column(group, pair)) {
            objects[group].push_back(member(name.member));
        } else if (const auto& unknown = random.one_of(unknown_objects);
                   !name.weak && random.one_in(3) && !is_read_as_another_column(unknown, pair)) {
            objects[unknown].push_back(member(name.member));
        } else {
            top.push_back(member(name.member));
        }
    }
    for (const auto& [name, members] : objects) {
        std::string whole = object(random, members);
        // A path into a list refers to the first object of the list.
        if (name == "disks") whole = fmt::format("[{},{{\"avail\":1,\"used\":1}}]", whole);
        top.push_back(fmt::format("{}:{}", random_json_string(random, name), whole));
    }
    if (!sensors.empty()) top.push_back(fmt::format("\"health\":[{}]", fmt::join(sensors, ",")));
    while (random.one_in(2)) top.push_back(noise_in_json(random));
    std::string report = object(random, top);
    if (style.nested || !random.one_in(4)) return report;
    const std::string wrapper = random.one_of(Texts{"payload", "system_info", "deviceStatus"});
    return object(random, {fmt::format("\"{}\":{}", wrapper, report)});
}

// --- pairs ---

std::string percent_encoded(Random& random, std::string_view text) {
    // `+` stands for a space only in a text that also has a percent-encoded character.
    const bool has_percent = text.find_first_of("&;=/%") != text.npos;
    const bool plus_for_space = has_percent && random.one_in(2);
    std::string out;
    for (const char c : text) {
        const bool safe = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                          (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_';
        if (c == ' ' && plus_for_space) {
            out += '+';
        } else if (safe && !random.one_in(10)) {
            out += c;
        } else {
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        }
    }
    return out;
}

// Returns the pairs of a row with separators between them; `write(key, value)` writes a pair.
// In a form, some sensors are written as rows of several pairs, as `print as-value` of RouterOS
// does: ".id=*1;name=voltage;type=V;value=24.1".
template <class Write>
std::string row_in_pairs(Random& random, RandomRow& row, char separator, Write write) {
    std::string text;
    std::string sensors;
    const Format format = separator == '\n' ? Format::header : Format::pairs;
    for (const Pair& pair : pairs_of(random, row, format)) {
        const std::string key = spelled(random, pair.name.object + pair.name.member);
        if (separator == '&' && is_sensor(pair.column) && random.one_in(2)) {
            sensors += fmt::format(".id=*1;name={};type=V;value={};", key, pair.value.text);
        } else {
            text += write(key, pair.value.text) + separator;
        }
    }
    if (!sensors.empty()) text += write("health", sensors) + separator;
    text += write("build-time", "2025 x");  // An unknown key whose value contains a space.
    if (random.one_in(2)) text += separator;
    return text;
}

std::string row_as_list(Random& random, RandomRow& row) {
    return row_in_pairs(random, row, ';', [](const std::string& key, const std::string& value) {
        return key + "=" + value;
    });
}

std::string row_as_form(Random& random, RandomRow& row, bool encoded) {
    return row_in_pairs(random, row, '&', [&](const std::string& key, const std::string& value) {
        if (!encoded) return key + "=" + value;
        return percent_encoded(random, key) + "=" + percent_encoded(random, value);
    });
}

// Moves some cells of the row from the body into the query of the request. `write(row)` writes the
// other cells into the body. At least one cell that proves that a list is a report stays in the
// body: see Fields::known_keys().
template <class Write>
std::string beside_a_query(Random& random, Sent& sent, Write write) {
    RandomRow& row = sent.rows.back();
    if (random.one_in(2)) return write(row);
    RandomRow query;
    bool has_proof = false;
    for (const auto& [column, cell] : row.cells) {
        const bool is_proof = info(column).value != Value::clock;
        const bool in_query = (has_proof || !is_proof) && random.one_in(4);
        has_proof |= is_proof;
        (in_query ? query.cells : row.cells)[column] = cell;
        (in_query ? row.beside : query.beside).insert(column);
    }
    std::erase_if(row.cells, [&](const auto& cell) { return row.beside.contains(cell.first); });
    sent.query = row_as_form(random, query, true);
    std::string body = write(row);
    row.cells.merge(query.cells);
    return body;
}

std::string row_as_header(Random& random, RandomRow& row) {
    return row_in_pairs(random, row, '\n', [](std::string key, const std::string& value) {
        std::ranges::replace(key, ' ', '-');
        return "X-Agent-" + key + "=" + value;
    });
}

// --- framing of a report ---

// Sometimes adds a byte order mark before the report, and spaces and NULs around the report.
void wrap(Random& random, Sent& sent, bool spaces_before, bool mark_before = true) {
    if (spaces_before && random.one_in(4)) sent.body.insert(0, "\r\n\t");
    if (random.one_in(4)) sent.body += random.one_of(Texts{"\n", " \r\n", std::string(1, '\0')});
    if (!mark_before || !random.one_in(8)) return;
    sent.body.insert(0, "\uFEFF");
    for (RandomRow& row : sent.rows) row.warnings.insert("utf8_bom");
}

// Encodes the body in Windows-1252, as if a user had typed the names on a PC.
void write_in_cp1252(Sent& sent) {
    static const std::vector<std::pair<std::string_view, std::string_view>> page = {
        {"é", "\xE9"}, {"Ö", "\xD6"}, {"ß", "\xDF"}, {"ñ", "\xF1"}, {"°", "\xB0"}};
    std::string out = sent.body;
    for (const auto& [utf8, byte] : page)
        for (size_t at = 0; (at = out.find(utf8, at)) != out.npos;)
            out.replace(at, utf8.size(), byte);
    if (utf8_valid(out)) return;
    sent.body = out;
    for (RandomRow& row : sent.rows) row.warnings.insert("charset_cp1252");
}

// --- the dialects ---

RandomRow& one_row(Random& random, Sent& sent, Letters letters) {
    sent.rows.push_back(random_row(random, letters));
    return sent.rows.back();
}

// Returns a random hint about the type of a JSON body. No hint can mislead decode, because it
// recognizes JSON by the first byte.
BodyHint any_hint(Random& random) {
    return random.one_of({BodyHint::json, BodyHint::unknown, BodyHint::text, BodyHint::form});
}

void list(Random& random, Sent& sent) {
    one_row(random, sent, Letters::plain);
    sent.body =
        beside_a_query(random, sent, [&](RandomRow& row) { return row_as_list(random, row); });
    sent.hint = random.one_of({BodyHint::text, BodyHint::unknown, BodyHint::form});
    wrap(random, sent, true);
}

void encoded_form(Random& random, Sent& sent) {
    sent.body = row_as_form(random, one_row(random, sent, Letters::all), true);
    sent.hint = BodyHint::form;
    wrap(random, sent, false);
}

void raw_form(Random& random, Sent& sent) {
    sent.body = row_as_form(random, one_row(random, sent, Letters::plain), false);
    sent.hint = BodyHint::form;
    wrap(random, sent, true);
}

void query(Random& random, Sent& sent) {
    sent.query = row_as_form(random, one_row(random, sent, Letters::all), true);
}

void header(Random& random, Sent& sent) {
    sent.header = row_as_header(random, one_row(random, sent, Letters::plain));
}

void json(Random& random, Sent& sent, bool nested) {
    const JsonStyle style{nested, random.one_in(4)};
    const bool latin = random.one_in(4);
    one_row(random, sent, latin ? Letters::latin : Letters::all);
    sent.body = beside_a_query(random, sent,
                               [&](RandomRow& row) { return row_in_json(random, row, style); });
    sent.hint = any_hint(random);
    wrap(random, sent, true);
    if (latin && random.one_in(2)) write_in_cp1252(sent);
}

void flat_json(Random& random, Sent& sent) { json(random, sent, false); }
void nested_json(Random& random, Sent& sent) { json(random, sent, true); }

void json_rpc(Random& random, Sent& sent) {
    const JsonStyle style{random.one_in(2), false};
    std::string params = row_in_json(random, one_row(random, sent, Letters::all), style);
    if (random.one_in(2)) params = "{\"report\":" + params + "}";
    sent.body = object(random, {R"("jsonrpc":"2.0")", R"("id":7)", R"("method":"agent.report")",
                                "\"params\":" + params});
    sent.hint = any_hint(random);
    wrap(random, sent, true);
}

void json_in_a_form(Random& random, Sent& sent) {
    const JsonStyle style{random.one_in(2), false};
    const std::string report = row_in_json(random, one_row(random, sent, Letters::all), style);
    sent.body = random.one_of(Texts{"data", "payload", "json"}) + "=" +
                (random.one_in(2) ? percent_encoded(random, report) : report) +
                random.one_of(Texts{"", "&v=1"});
    sent.hint = BodyHint::form;
    wrap(random, sent, true);
}

Texts reports_in_json(Random& random, Sent& sent) {
    Texts reports;
    for (uint64_t count = 1 + random.below(4); count > 0; --count)
        reports.push_back(
            row_in_json(random, one_row(random, sent, Letters::all), {random.one_in(2), false}));
    return reports;
}

void list_of_json(Random& random, Sent& sent) {
    sent.body = fmt::format("[{}]", fmt::join(reports_in_json(random, sent), " ,\n"));
    sent.hint = any_hint(random);
    wrap(random, sent, true, false);
}

void lines_of_json(Random& random, Sent& sent) {
    Texts lines = reports_in_json(random, sent);
    for (std::string& line : lines)
        std::erase_if(line, [](char c) { return c == '\n' || c == '\r'; });
    sent.body = fmt::format("{}", fmt::join(lines, random.one_of(Texts{"\n", "\r\n", "\n\n"})));
    sent.hint = BodyHint::json_lines;
    wrap(random, sent, true);
}

struct Dialect {
    const char* name;
    void (*write)(Random&, Sent&);
};
constexpr Dialect dialects[] = {
    {"list", list},
    {"encoded form", encoded_form},
    {"raw form", raw_form},
    {"query", query},
    {"header", header},
    {"flat JSON", flat_json},
    {"nested JSON", nested_json},
    {"JSON-RPC", json_rpc},
    {"JSON in a form", json_in_a_form},
    {"list of JSON", list_of_json},
    {"lines of JSON", lines_of_json},
};

}  // namespace

Sent random_report(Random& random) {
    const Dialect& dialect = dialects[random.below(std::size(dialects))];
    Sent sent;
    sent.dialect = dialect.name;
    dialect.write(random, sent);
    return sent;
}

}  // namespace rollcall
