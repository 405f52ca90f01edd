// Observations: facts for an operator about the reports of all workers: the keys that the decoder
// does not understand, and the RouterOS versions whose reports cause warnings.
//
// Clients choose the keys and versions that they send, so a sketch of fixed size counts them
// (base/frequent_names.h). Each worker has one sketch for keys and one for versions, and publishes
// copies of both once a second. A reader adds up the copies of all workers.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/metrics.h"
#include "pipeline/base/frequent_names.h"
#include "pipeline/columns/columns.h"

namespace rollcall {

// An unknown key with its count. The count is too high by `error` at most.
struct UnknownKey {
    std::string name;  // The key as it was sent, with its object: `foo.bar`; any UTF-8.
    uint64_t count = 0;
    uint64_t error = 0;
    std::string shape;                // The format of one of its values, see shape_of().
    std::optional<Column> resembles;  // The column with a similar key, if any.
};

// The warnings of one kind in reports from one version of RouterOS.
struct WarnedVersion {
    std::string warning;
    std::string version;  // Empty if the reports name no version.
    uint64_t count = 0;
    uint64_t error = 0;
};

// Both lists begin with the most frequent entry.
struct Observations {
    std::vector<UnknownKey> unknown_keys;
    std::vector<WarnedVersion> warned_versions;
};

void count_warned_version(FrequentNames& sketch, Warning warning, std::string_view version);

[[nodiscard]] std::vector<UnknownKey> unknown_keys_in(std::span<const FrequentNames> sketches,
                                                      size_t names_max);
[[nodiscard]] std::vector<WarnedVersion> warned_versions_in(std::span<const FrequentNames> sketches,
                                                            size_t names_max);

}  // namespace rollcall
