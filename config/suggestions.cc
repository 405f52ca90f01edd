#include "config/suggestions.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace rollcall {

namespace {

// Returns the Levenshtein distance: the number of characters that must be inserted, removed or
// replaced to turn one name into the other.
size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<size_t> row(b.size() + 1);  // Distances from a's first i to b's first j characters.
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

// Returns the name without its section.
std::string_view key_of(std::string_view name) { return name.substr(name.rfind('.') + 1); }

}  // namespace

std::optional<std::string_view> nearest_name(std::string_view name,
                                             const std::vector<std::string_view>& known_names) {
    std::optional<std::string_view> nearest;
    size_t too_far = std::min(std::max<size_t>(2, name.size() / 3), name.size() / 2) + 1;
    for (const std::string_view known : known_names) {
        const bool is_begin = name.size() >= 3 && known.starts_with(name) && !known.contains('.');
        const size_t distance =
            is_begin || key_of(known) == key_of(name) ? 1 : edit_distance(name, known);
        if (distance >= too_far) continue;
        too_far = distance;
        nearest = known;
    }
    return nearest;
}

}  // namespace rollcall
