// Spool command: rollcalld spool list, verify, dump and replay. The commands change nothing in the
// spool and can run beside a daemon.
//
// clang-format off
//   list     prints a line for each segment, from its head and its name
//   verify   prints the same after reading every record; fails if one is damaged
//   dump     prints each row, after the number of its record and its index in that record
//   replay   sends records to a sink again, as the sink's delivery would: it leaves out duplicates.
//            Rows keep their ids, so the unique key refuses those that the table already has. The
//            sink's position in the spool does not change. Because a position belongs to a spool,
//            each replay takes a new spool id, which leaves a row in rollcall_position or a record
//            in Kafka's topic of positions. Kafka has no unique key: the topic contains the rows
//            twice, and the database that loads them refuses the copies.
// clang-format on
//
// With --dead the commands work on dead letters (dead_letters.h). list counts the dead letters by
// sink and reason; dump prints them. replay sends them to the sinks that refused them, and deletes
// those that a sink has now stored.
//
// replay writes to the file of an SQLite sink and, with --dead, to the folder of the dead letters.
// If root runs the command, new files get the owner of the folder. Any other user must own the
// files and folders that the command writes to; otherwise it fails.
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
    uint64_t end = std::numeric_limits<uint64_t>::max();  // One more than the number of the
                                                          // last record.
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
// range: the numbers of dead letters, as list_dead_letters() and this function print them.
[[nodiscard]] Result<bool> dump_dead_letters(const std::string& directory, const std::string& sink,
                                             const SpoolRange& range, SpoolFormat format,
                                             std::FILE* to);
[[nodiscard]] Result<bool> replay_dead_letters(const Settings& settings,
                                               const std::string& state_dir,
                                               const std::string& sink, std::FILE* to);

}  // namespace rollcall
