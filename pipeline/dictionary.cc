#include "pipeline/dictionary.h"

#include <algorithm>
#include <array>

#include "pipeline/extra.h"

namespace rollcall {

namespace {

bool is_plain(std::string_view name) {
    return !name.empty() && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '-' || c == '_';
    });
}

}  // namespace

Meaning meaning_of(std::string_view object, std::string_view name) {
    const KnownKey* const in_object = object.empty() ? nullptr : find_key(object, name).known;
    return {find_key(name).known, in_object, is_group(name), is_secret(name), is_plain(name)};
}

Meaning Dictionary::look_up(std::string_view object, std::string_view name) {
    constexpr char in = '\xFF';  // In no name, as no UTF-8 has it.
    std::array<char, spelling_bytes_max> path;
    if (object.size() + 1 + name.size() > path.size()) return meaning_of(object, name);
    char* end = std::ranges::copy(object, path.data()).out;
    *end++ = in;
    end = std::ranges::copy(name, end).out;
    return look_up({path.data(), end}, object, name);
}

Meaning Dictionary::learn(const Spelling& spelling, std::string_view object,
                          std::string_view name) {
    Entry& entry = entries_[spelling.slot()];
    entry = {spelling, meaning_of(object, name)};
    return entry.meaning;
}

}  // namespace rollcall
