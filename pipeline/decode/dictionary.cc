#include "pipeline/decode/dictionary.h"

#include <algorithm>

#include "pipeline/base/hash.h"
#include "pipeline/decode/extra.h"

namespace rollcall {

Meaning meaning_of(std::string_view object, std::string_view name) {
    const auto outside_pairs = [](const KnownKey* key) {
        return key == nullptr || key->pairs_only ? nullptr : key;
    };
    const FoldedName folded(name);
    const KnownKey* const in_pairs = find_key(folded);
    const KnownKey* const in_object = object.empty() ? nullptr : find_key(FoldedName(object, name));
    return {.in_pairs = in_pairs,
            .alone = outside_pairs(in_pairs),
            .in_object = outside_pairs(in_object),
            .group = is_group(folded),
            .other_thing = is_other_thing(folded),
            .secret = privacy_of(name, folded) != Privacy::open,
            .plain = folded.is_plain()};
}

// Returns the hash of a name. Never returns 0 or not_cached, which have a meaning of their own.
uint64_t Scope::hash_of(std::string_view name) {
    return std::clamp<uint64_t>(process_hash(name), 1, not_cached - 1);
}

const Meaning& Dictionary::look_up_long(const Scope& scope, std::string_view name) {
    long_ = meaning_here(scope.object, name);
    long_.hash = Scope::not_cached;
    return long_;
}

Meaning Dictionary::meaning_here(std::string_view object, std::string_view name) const {
    Meaning meaning = meaning_of(object, name);
    if (keep_sim_identifiers_) meaning.secret = privacy_of(name) == Privacy::credential;
    return meaning;
}

void Dictionary::learn(Entry& entry, const Scope& scope, const Spelling& spelling,
                       std::string_view name) {
    entry = {spelling, scope.hash, meaning_here(scope.object, name)};
}

}  // namespace rollcall
