#include "pipeline/ingest/observations.h"

#include <algorithm>
#include <array>

#include "pipeline/base/utf8.h"
#include "pipeline/decode/unknown_keys.h"

namespace rollcall {

void count_warned_version(FrequentNames& sketch, Warning warning, std::string_view version) {
    std::array<char, FrequentNames::name_bytes_max> name;
    char* end = std::ranges::copy(to_text(warning), name.data()).out;
    *end++ = ' ';
    const auto used = static_cast<size_t>(end - name.data());
    end = std::ranges::copy(utf8_prefix(version, name.size() - used), end).out;
    (void)sketch.count({name.data(), static_cast<size_t>(end - name.data())}, 0);
}

std::vector<UnknownKey> unknown_keys_in(std::span<const FrequentNames> sketches, size_t names_max) {
    std::vector<UnknownKey> all;
    for (auto& [name, count, error, note] : sum_of(sketches, names_max)) {
        const auto resembles = resembled_column(name);
        all.push_back({std::move(name), count, error, shape_of(note), resembles});
    }
    return all;
}

std::vector<WarnedVersion> warned_versions_in(std::span<const FrequentNames> sketches,
                                              size_t names_max) {
    std::vector<WarnedVersion> all;
    for (const auto& [name, count, error, note] : sum_of(sketches, names_max)) {
        const size_t space = name.find(' ');
        all.push_back({name.substr(0, space), name.substr(space + 1), count, error});
    }
    return all;
}

}  // namespace rollcall
