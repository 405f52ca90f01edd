// PairSplit: finds the beginning and the end of each pair in a list.
//
// Lists have no escapes outside of quotes, so the separators are found from the text of the list:
//
//     key and value    separated by `=`, or by `:` if that comes first, as the console prints
//     pairs            separated by `;` or by the end of a line, whichever comes first after the
//                      first delimiter; else by a comma, a `|` or a space before a known key
//     quotes           are removed if they enclose a whole value
//
// Threads: pure functions.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "pipeline/decode/dictionary.h"

namespace rollcall {

struct Separators {
    char delimiter = '=';
    char separator = ';';
    // True if values may contain the separator. The separator then ends a value only if a key comes
    // next.
    bool needs_key = false;
};

// Returns the separators of a list. Their delimiter occurs in the text, unless the text has neither
// `=` nor `:`.
[[nodiscard]] Separators separators_of(std::string_view list, Dictionary& dictionary);

// A part of a list.
struct Part {
    std::string_view text;
    size_t equals = std::string_view::npos;  // Offset of the delimiter; npos if it has none.
    std::string_view value;                  // The value without quotes.
    bool was_quoted = false;
    size_t end = 0;  // Offset in the list after the part and its separator.
};

// Returns the same as first_part(), but has no short cut for simple parts.
[[nodiscard]] Part first_part_of_any_form(std::string_view list, const Separators& by,
                                          size_t key_end);

// Returns the first part of a list. key_end: the offset at which the key of this part ends; 0 if it
// is not known. With a known key_end and a value without quotes, one search is enough.
[[nodiscard]] inline Part first_part(std::string_view list, const Separators& by,
                                     size_t key_end = 0) {
    const size_t begin = key_end + 1;
    const char first = begin < list.size() ? list[begin] : ' ';
    if (key_end == 0 || by.needs_key || first == '"' || first == ' ' || first == '\t')
        return first_part_of_any_form(list, by, key_end);
    const size_t end = std::min(list.find(by.separator, begin), list.size());
    return {.text = list.substr(0, end),
            .equals = key_end,
            .value = list.substr(begin, end - begin),
            .end = std::min(end + 1, list.size())};
}

}  // namespace rollcall
