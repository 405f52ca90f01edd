// Spool command: rollcalld spool list, verify, dump and replay. The commands change nothing in the
// spool, and can run while the daemon runs.
//
// clang-format off
//   list     prints a line for each segment, without reading its records
//   verify   reads every record and prints the same lines, with rows and damage; fails on damage
//   dump     prints each row, preceded by the number of the record and the index of the row in it
//   replay   sends records to a sink again, and leaves out duplicates, as a delivery does. Rows
//            keep their ids, so the unique key refuses those that the table already has. A Kafka
//            topic has no unique key: after a replay it contains the rows twice, and the database
//            that loads the topic refuses the copies. Each replay uses a new spool id, so that the
//            sink's position in the spool does not change. The new id leaves a row in
//            rollcall_position, or a record in Kafka's topic of positions.
// clang-format on
//
// With --dead, three of the commands work on dead letters, which are rows that a sink has refused
// (dead_letters.h). list counts the dead letters by sink and reason. dump prints the dead letters.
// replay sends each dead letter to its sink again, and deletes it if the sink has stored it.
//
// replay writes to the file of an SQLite sink and, with --dead, to the folder of the dead letters.
// If root runs the command, new files get the owner of the folder. Another user must own the files
// and folders to which replay writes. If that user does not, replay fails.
//
// Errors:  the explanation begins with the directory or the sink.
// Threads: main.
#pragma once

#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>

#include "config/settings.h"
#include "pipeline/base/error.h"

namespace rollcall {

enum class SpoolFormat : uint8_t { table, tsv, json };
inline constexpr const char* spool_format_names[] = {"table", "tsv", "json"};

struct SpoolRange {
    uint64_t first = 0;
    uint64_t end = std::numeric_limits<uint64_t>::max();  // The range ends before this record.
};

// Each function returns true if no record was damaged and no row was refused.

[[nodiscard]] Result<bool> list_spool(const std::string& directory, SpoolFormat format,
                                      std::FILE* to);
[[nodiscard]] Result<bool> verify_spool(const std::string& directory, SpoolFormat format,
                                        std::FILE* to);
[[nodiscard]] Result<bool> dump_spool(const std::string& directory, const SpoolRange& range,
                                      SpoolFormat format, std::FILE* to);
[[nodiscard]] Result<bool> replay_spool(const Settings& settings, const std::string& state_dir,
                                        const std::string& sink, const SpoolRange& range,
                                        std::FILE* to);

// sink: empty for all sinks.
[[nodiscard]] Result<bool> list_dead_letters(const std::string& directory, const std::string& sink,
                                             SpoolFormat format, std::FILE* to);
// range: the numbers of dead letters, which this function prints in the column `letter`.
[[nodiscard]] Result<bool> dump_dead_letters(const std::string& directory, const std::string& sink,
                                             const SpoolRange& range, SpoolFormat format,
                                             std::FILE* to);
[[nodiscard]] Result<bool> replay_dead_letters(const Settings& settings,
                                               const std::string& state_dir,
                                               const std::string& sink, std::FILE* to);

}  // namespace rollcall
