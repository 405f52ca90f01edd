// PairSplit: finds where the pairs of a list begin and end.
//
// Nothing in a list is escaped, so the list itself shows how it is separated:
//
//     key and value    by `=`, or by `:` if that comes first, as the console prints
//     pairs            by `;` or by the end of a line, whichever is first behind the first
//                      delimiter; else by a comma, a `|` or a space in front of a known key
//     quotes           around a value are removed if they end where the value ends
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
    // Values may contain the separator, so it counts only in front of a key.
    bool needs_key = false;
};

// Returns how a list is separated. Its delimiter is in the text, unless there is neither `=` nor
// `:`.
[[nodiscard]] Separators separators_of(std::string_view list, Dictionary& dictionary);

// A part of a list.
struct Part {
    std::string_view text;
    size_t equals = std::string_view::npos;  // Where its delimiter is; npos if it is no pair.
    std::string_view value;                  // Without quotes.
    bool was_quoted = false;
    size_t end = 0;  // Of the part and its separator, in the list.
};

// Does the work of first_part() for every form of a part.
[[nodiscard]] Part first_part_of_any_form(std::string_view list, const Separators& by,
                                          size_t key_end);

// Returns the first part of a list. The key ends at key_end if that is not 0. Most keys are known
// and most values have no quotes, so this needs only one search.
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
