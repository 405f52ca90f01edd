// Observations: what an operator should know about the reports of all workers: the keys that the
// decoder does not understand, and which RouterOS versions cause warnings.
//
// Both come from clients, so they are counted in sketches of fixed size (base/frequent_names.h),
// one of each kind for each worker. A worker publishes copies once a second; a reader adds them up.
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

// A count that is at most `error` too high.
struct UnknownKey {
    std::string name;  // As it was sent, with its object: `foo.bar`; any UTF-8.
    uint64_t count = 0;
    uint64_t error = 0;
    std::string shape;                // Of one of its values, see shape_of().
    std::optional<Column> resembles;  // The column with a key like this one.
};

// The warnings of one kind in reports from one version of RouterOS.
struct WarnedVersion {
    std::string warning;
    std::string version;  // Empty if the reports name no version.
    uint64_t count = 0;
    uint64_t error = 0;
};

// The most frequent ones first.
struct Observations {
    std::vector<UnknownKey> unknown_keys;
    std::vector<WarnedVersion> warned_versions;
};

// Counts a warning of a report from this version.
void count_warned_version(FrequentNames& sketch, Warning warning, std::string_view version);

[[nodiscard]] std::vector<UnknownKey> unknown_keys_in(std::span<const FrequentNames> sketches,
                                                      size_t names_max);
[[nodiscard]] std::vector<WarnedVersion> warned_versions_in(std::span<const FrequentNames> sketches,
                                                            size_t names_max);

}  // namespace rollcall
