#include "pipeline/decode/pair_split.h"

#include <algorithm>

#include "pipeline/base/ascii.h"

namespace rollcall {

namespace {

constexpr std::string_view spaces = " \t\r\n";

// Returns the key at the beginning of a text. Returns an empty text if the delimiter does not
// follow.
std::string_view key_before(std::string_view text, char delimiter) {
    const size_t first = std::min(text.find_first_not_of(spaces), text.size());
    text.remove_prefix(first);
    static constexpr ByteSet ends("=:;,& \t\r\n\"{}()");
    const size_t end = ends.find_in(text);
    return end < text.size() && end > 0 && text[end] == delimiter ? text.substr(0, end)
                                                                  : std::string_view();
}

// Returns the end of the value at the beginning of `text`, which is where the next pair begins.
size_t value_end(std::string_view text, const Separators& by) {
    for (size_t at = 0;; ++at) {
        at = std::min(text.find(by.separator, at), text.size());
        if (at == text.size() || !by.needs_key) return at;
        if (!key_before(text.substr(at + 1), by.delimiter).empty()) return at;
    }
}

// Returns the offset of the quote that ends a quoted value; npos if there is none. The opening
// quote is the byte before `text`.
size_t closing_quote(std::string_view text, const Separators& by) {
    for (size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '\\') {
            ++at;
        } else if (text[at] == '"') {
            const size_t next = text.find_first_not_of(" \t\r", at + 1);
            if (next == text.npos || text[next] == by.separator || text[next] == '\n') return at;
            if (by.separator == ' ' && next > at + 1) return at;
        }
    }
    return text.npos;
}

bool has_known_key(std::string_view list, const Separators& by, Dictionary& dictionary) {
    for (size_t at = 0; (at = list.find(by.separator, at)) != list.npos;) {
        const std::string_view key = key_before(list.substr(++at), by.delimiter);
        if (!key.empty() && dictionary.look_up(key).in_pairs != nullptr) return true;
    }
    return false;
}

}  // namespace

Separators separators_of(std::string_view list, Dictionary& dictionary) {
    Separators by;
    const size_t equals = list.find('=');
    const size_t colon = list.find(':');
    const bool is_console = colon < equals && colon + 1 < list.size() &&
                            (equals == list.npos || spaces.find(list[colon + 1]) != list.npos);
    if (is_console) by.delimiter = ':';
    const size_t first = std::min(std::min(equals, colon), list.size());
    static constexpr ByteSet separators(";\n");
    const size_t separator = separators.find_in(list, first);
    if (separator < list.size()) {
        by.separator = list[separator];
        return by;
    }
    if (list.find(';') != list.npos) return by;
    by.needs_key = true;
    const bool begins_with_pair = !key_before(list, by.delimiter).empty();
    for (const char candidate : {',', '|', ' '}) {
        by.separator = candidate;
        if (begins_with_pair && has_known_key(list, by, dictionary)) return by;
    }
    return {by.delimiter, '\n', false};
}

Part first_part_of_any_form(std::string_view list, const Separators& by, size_t key_end) {
    Part part;
    size_t end = 0;
    part.equals = key_end;
    if (key_end == 0) {
        // A key cannot contain a separator, so look for the delimiter only before the separator.
        end = std::min(list.find(by.separator), list.size());
        part.equals = std::min(list.substr(0, end).find(by.delimiter), end);
    }
    if (key_end == 0 && part.equals == end) {
        part.equals = list.npos;
    } else {
        const size_t begin = part.equals + 1;
        const std::string_view behind = list.substr(begin);
        size_t quote = 0;
        while (quote < behind.size() && (behind[quote] == ' ' || behind[quote] == '\t')) ++quote;
        const size_t closing = quote < behind.size() && behind[quote] == '"'
                                   ? closing_quote(behind.substr(quote + 1), by)
                                   : behind.npos;
        if (closing != behind.npos) {
            part.was_quoted = true;
            part.value = behind.substr(quote + 1, closing);
            end = std::min(list.find(by.separator, begin + quote + closing + 2), list.size());
        } else {
            end = begin + value_end(behind, by);
            part.value = list.substr(begin, end - begin);
        }
    }
    part.text = list.substr(0, end);
    part.end = std::min(end + 1, list.size());
    return part;
}

}  // namespace rollcall
