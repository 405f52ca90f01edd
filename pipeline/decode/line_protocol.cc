#include "pipeline/decode/line_protocol.h"

#include <algorithm>

#include "pipeline/base/ascii.h"

namespace rollcall {

namespace {

// Returns the offset of the first byte of `text` that is one of `bytes` and is neither escaped nor
// quoted. Returns the size of the text if there is none.
size_t find_bare(std::string_view text, std::string_view bytes, size_t from = 0) {
    bool quoted = false;
    for (size_t at = from; at < text.size(); ++at) {
        if (text[at] == '\\') {
            ++at;
        } else if (text[at] == '"') {
            quoted = !quoted;
        } else if (!quoted && bytes.find(text[at]) != bytes.npos) {
            return at;
        }
    }
    return text.size();
}

std::string_view first_line(std::string_view text) {
    const std::string_view line = text.substr(0, find_bare(text, "\n"));
    return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

struct Line {
    std::string_view measurement;
    std::string_view tags;
    std::string_view fields;
    std::string_view time;

    explicit Line(std::string_view line) {
        const size_t end = find_bare(line, " ");
        const size_t comma = std::min(find_bare(line, ","), end);
        measurement = line.substr(0, comma);
        if (comma < end) tags = line.substr(comma + 1, end - comma - 1);
        line = without_blanks_before(line.substr(end));
        const size_t fields_end = find_bare(line, " ");
        fields = line.substr(0, fields_end);
        time = without_blanks(line.substr(fields_end));
    }
    [[nodiscard]] bool is_sound() const {
        const size_t equals = find_bare(fields, "=,");
        return !measurement.empty() && !measurement.starts_with('#') &&
               measurement.find_first_of("=\"{};&:") == measurement.npos && equals > 0 &&
               equals < fields.size() && fields[equals] == '=' &&
               fields.find_first_of("&;") == fields.npos &&
               std::ranges::all_of(time, [](char c) { return is_digit(c) || c == '-'; });
    }
};

// Calls visit(key, value) for each tag or field.
template <class Visit>
void each_value(std::string_view list, Visit visit) {
    while (!list.empty()) {
        const std::string_view pair = list.substr(0, find_bare(list, ","));
        list.remove_prefix(std::min(pair.size() + 1, list.size()));
        const size_t equals = find_bare(pair, "=");
        if (equals < pair.size()) visit(pair.substr(0, equals), pair.substr(equals + 1));
    }
}

// Returns the text of a field's value: "7" for "7i", a string without its quotes, any other value
// unchanged.
std::string_view plain_value(std::string_view value) {
    if (value.size() > 1 && value.front() == '"' && value.back() == '"')
        return value.substr(1, value.size() - 2);
    if (value.size() > 1 && is_digit(value[value.size() - 2]) &&
        (value.back() == 'i' || value.back() == 'u'))
        return value.substr(0, value.size() - 1);
    return value;
}

bool is_empty_line(std::string_view line) {
    const size_t first = line.find_first_not_of(" \t\r");
    return first == line.npos || line[first] == '#';
}

// Returns whether two lines have the same tags that name a router.
bool same_router(const Line& left, const Line& right, Dictionary& dictionary) {
    bool same = true;
    const auto has = [&](std::string_view tags, std::string_view key, std::string_view value) {
        bool found = false;
        each_value(tags, [&](std::string_view other, std::string_view its) {
            found |= other == key && its == value;
        });
        return found;
    };
    const auto compare = [&](std::string_view from, std::string_view with) {
        each_value(from, [&](std::string_view key, std::string_view value) {
            const KnownKey* const known = key == "name" ? nullptr : dictionary.look_up(key).alone;
            if (key == "host" || (known != nullptr && names_router(known->column)))
                same &= has(with, key, value);
        });
    };
    compare(left.tags, right.tags);
    compare(right.tags, left.tags);
    return same;
}

}  // namespace

bool opens_line_protocol(std::string_view text) {
    while (text.starts_with('#') || text.starts_with('\n'))
        text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
    // Lists are much more frequent, so reject them at once: a list begins with a key and `=`.
    static constexpr ByteSet ends("=, ");
    const size_t first = ends.find_in(text);
    return first < text.size() && text[first] != '=' && Line(first_line(text)).is_sound();
}

LineProtocol::LineProtocol(size_t text_bytes_max) { unescaped_.reserve(text_bytes_max); }

Result<void> LineProtocol::open(std::string_view text, size_t items_max, Dictionary& dictionary) {
    size_t count = 0;
    rest_ = text;
    for (advance(dictionary); !at_end(); advance(dictionary))
        if (++count > items_max) return fail(Code::too_many_items);
    is_single_ = count <= 1;
    rest_ = text;
    advance(dictionary);
    return {};
}

// Moves the lines of the next report from rest_ to lines_.
void LineProtocol::advance(Dictionary& dictionary) {
    const std::string_view begin = rest_;
    std::string_view router;
    while (!rest_.empty()) {
        const size_t end = find_bare(rest_, "\n");
        const std::string_view line = first_line(rest_);
        if (!is_empty_line(line)) {
            if (router.empty()) router = line;
            if (!same_router(Line(router), Line(line), dictionary)) break;
        }
        rest_.remove_prefix(std::min(end + 1, rest_.size()));
    }
    lines_ = router.empty() ? std::string_view() : begin.substr(0, begin.size() - rest_.size());
}

Result<std::string_view> LineProtocol::read(Fields& fields) {
    unescaped_.clear();
    const std::string_view lines = lines_;
    const size_t known_before = fields.known_keys();
    for (std::string_view rest = lines; !rest.empty();) {
        const size_t end = find_bare(rest, "\n");
        if (!is_empty_line(first_line(rest))) read_line(first_line(rest), fields);
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    advance(fields.dictionary());
    if (fields.known_keys() == known_before || !fields.is_report())
        return std::unexpected(Error{Code::malformed_pairs});
    return lines;
}

void LineProtocol::read_line(std::string_view text, Fields& fields) {
    const Line line(text);
    if (!line.is_sound()) return fields.warn(Warning::kv_fragment_ignored);
    Dictionary& dictionary = fields.dictionary();
    const auto outer = fields.enter();  // The same key in another line is not a repeated key.
    const Meaning measured = dictionary.look_up(line.measurement);
    const Scope scope(line.measurement, measured);
    const auto key_of = [&](std::string_view name) {
        const KnownKey* const member = dictionary.look_up(scope, name).in_object;
        return member != nullptr ? member : dictionary.look_up(name).alone;
    };
    bool speaks_of_router = measured.group;
    const auto prove = [&](std::string_view name, std::string_view) {
        const KnownKey* const key = key_of(name);
        speaks_of_router |= key != nullptr && !key->weak && is_measured(key->column);
    };
    each_value(line.tags, prove);
    each_value(line.fields, prove);
    const auto give = [&](std::string_view sent, std::string_view value) {
        const std::string_view name = unescaped(sent);
        value = unescaped(plain_value(value));
        const KnownKey* const key = name == "name" ? nullptr : key_of(name);
        if (key != nullptr && (speaks_of_router || (!key->weak && !measured.other_thing)))
            return fields.text({name, key}, value);
        const Meaning& meaning = dictionary.look_up(name);
        fields.extra().text({name, meaning.secret, meaning.plain}, value);
        if (name == "name") return;  // This tag names the thing that was measured.
        fields.unknown_keys().count(dictionary.look_up(scope, name), line.measurement, name,
                                    {UnknownValue::Type::text, value});
    };
    each_value(line.tags, give);
    each_value(line.fields, give);
    if (!line.time.empty())
        fields.text({"timestamp", dictionary.look_up("timestamp").alone}, line.time);
    fields.leave(outer);
}

std::string_view LineProtocol::unescaped(std::string_view text) {
    if (text.find('\\') == text.npos) return text;
    const size_t begin = unescaped_.size();
    for (size_t at = 0; at < text.size(); ++at) {
        const bool escapes =
            text[at] == '\\' && at + 1 < text.size() &&
            std::string_view(", =\"\\").find(text[at + 1]) != std::string_view::npos;
        unescaped_ += text[escapes ? ++at : at];
    }
    return std::string_view(unescaped_).substr(begin);
}

}  // namespace rollcall
