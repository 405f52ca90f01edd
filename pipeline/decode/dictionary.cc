#include "pipeline/decode/dictionary.h"

#include <algorithm>
#include <array>

#include "pipeline/base/ascii.h"
#include "pipeline/decode/extra.h"

namespace rollcall {

namespace {

bool is_plain(std::string_view name) {
    return !name.empty() && std::ranges::all_of(name, [](char c) {
        return is_letter(c) || is_digit(c) || c == '.' || c == '-' || c == '_';
    });
}

}  // namespace

Meaning meaning_of(std::string_view object, std::string_view name) {
    const auto outside_pairs = [](const KnownKey* key) {
        return key == nullptr || key->pairs_only ? nullptr : key;
    };
    const KnownKey* const in_pairs = find_key(name).known;
    const KnownKey* const in_object = object.empty() ? nullptr : find_key(object, name).known;
    return {.in_pairs = in_pairs,
            .alone = outside_pairs(in_pairs),
            .in_object = outside_pairs(in_object),
            .group = is_group(name),
            .other_thing = is_other_thing(name),
            .secret = is_secret(name),
            .plain = is_plain(name)};
}

const Meaning& Dictionary::look_up(std::string_view object, std::string_view name) {
    constexpr char in = '\xFF';  // Does not occur in names, because it is not valid in UTF-8.
    std::array<char, spelling_bytes_max> path;
    if (object.size() + 1 + name.size() > path.size()) return look_up_long(object, name);
    char* end = std::ranges::copy(object, path.data()).out;
    *end++ = in;
    end = std::ranges::copy(name, end).out;
    const std::string_view spelled(path.data(), static_cast<size_t>(end - path.data()));
    return entry(Spelling(spelled), object, name).meaning;
}

const Meaning& Dictionary::look_up_long(std::string_view object, std::string_view name) {
    return long_ = meaning_here(object, name);
}

Meaning Dictionary::meaning_here(std::string_view object, std::string_view name) const {
    Meaning meaning = meaning_of(object, name);
    if (keep_sim_identifiers_) meaning.secret = privacy_of(name) == Privacy::credential;
    return meaning;
}

void Dictionary::learn(Entry& entry, const Spelling& spelling, std::string_view object,
                       std::string_view name) {
    entry = {spelling, meaning_here(object, name)};
}

}  // namespace rollcall
