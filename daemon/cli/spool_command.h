// Spool command: rollcalld spool list, verify, dump and replay. They change nothing in the spool,
// and may be used while a daemon runs.
//
// With --dead they are about the rows that sinks refused for good (dead_letters.h): list counts
// them by sink and reason, dump prints them, and replay sends them to the sinks that refused them,
// and drops them but for those that are refused again. That writes into the folder of these
// letters, as the user who runs the command.
//
//   list     a line for each segment, from its head and its name
//   verify   the same, of every record read; fails if one is damaged
//   dump     the rows of records, each with its record and its place in it
//   replay   sends records to a sink again, as its delivery would: copies of a report are left out,
//            and rows have the ids that they had, so the unique key refuses those that are there.
//            The sink's position in the spool stays. As every position belongs to a spool, a replay
//            calls itself another one; this leaves a row in rollcall_position, or a record in
//            Kafka's topic of positions. Kafka has no unique key: the topic holds the rows twice,
//            and what loads them refuses the copies.
//
// Threads: main.
#pragma once

#include <cstdint>
#include <cstdio>
#include <expected>
#include <limits>
#include <string>

#include "config/settings.h"

namespace rollcall {

enum class SpoolFormat : uint8_t { table, tsv, json };
inline constexpr const char* spool_format_names[] = {"table", "tsv", "json"};

struct SpoolRange {
    uint64_t first = 0;
    uint64_t end = std::numeric_limits<uint64_t>::max();  // Not in it.
};

// Whether all is as it should be; an error is a sentence.
using SpoolVerdict = std::expected<bool, std::string>;

[[nodiscard]] SpoolVerdict list_spool(const std::string& directory, SpoolFormat format,
                                      std::FILE* to);
[[nodiscard]] SpoolVerdict verify_spool(const std::string& directory, SpoolFormat format,
                                        std::FILE* to);
[[nodiscard]] SpoolVerdict dump_spool(const std::string& directory, const SpoolRange& range,
                                      SpoolFormat format, std::FILE* to);
[[nodiscard]] SpoolVerdict replay_spool(const Settings& settings, const std::string& state_dir,
                                        const std::string& sink, const SpoolRange& range,
                                        std::FILE* to);

// sink: empty for all.
[[nodiscard]] SpoolVerdict list_dead_letters(const std::string& directory, const std::string& sink,
                                             SpoolFormat format, std::FILE* to);
// range: letters, by the numbers that this prints.
[[nodiscard]] SpoolVerdict dump_dead_letters(const std::string& directory, const std::string& sink,
                                             const SpoolRange& range, SpoolFormat format,
                                             std::FILE* to);
[[nodiscard]] SpoolVerdict replay_dead_letters(const Settings& settings,
                                               const std::string& state_dir,
                                               const std::string& sink, std::FILE* to);

}  // namespace rollcall
