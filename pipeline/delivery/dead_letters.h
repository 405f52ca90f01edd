// Dead letters: rows that a sink can never store, with the reason, kept until the operator has
// fixed the cause and replays them.
//
//   spool/dead/sqlite/                a spool (spool/format.h) of the rows that this sink refused
//     00000000000000000000.segment    each record is one dead letter; they are numbered from 0
//     checkpoint, recycled
//
//   payload   run               16 bytes   the run that wrote the row (spool/lineage.h)
//             record                  u64  the record that contained the row
//             row                     u32  index of the row in that record
//             text bytes              u32
//             text                         reason, line feed, the sink's answer
//             padding                      zeros up to a multiple of 8
//             columns                      the row, as in any record; `id` is the row's id
//
// keep() is called before the sink's position advances past the rows. When keep() returns, the rows
// are durable. So a row is always in the sink or in a dead letter, even if the process ends at any
// moment. When a batch is written again, the sink refuses the same rows again. keep() keeps and
// counts each of them only once.
//
// replay() delivers the spool of dead letters to the sink. The sink stores the rows together with
// its position in this spool, so each dead letter is stored once. The position contains the number
// of the last dead letter that was replayed, and data that identify this dead letter. If the folder
// was copied or restored, another dead letter may have this number. In that case replay() sends all
// dead letters again. Rows keep their ids, so the sink refuses the rows that it already has. A row
// that is refused again becomes a new dead letter after all others, and its old dead letter is
// dropped.
//
// keep() locks the folder only while it writes, so a command can replay dead letters while a daemon
// runs. replay() locks the folder until it ends. If the daemon's sink refuses a row during a
// replay, keep() fails and the sink waits.
//
// Limit: when the dead letters reach size_max, keep() fails and the sink waits. No dead letter is
//        dropped to make room.
//
// Errors:  sync_failed, whose action is halt, if a sync fails. All other failures may be temporary,
//          and return sink_down with an explanation. replay() returns an error of the sink itself
//          unchanged.
// Threads: one, that of the delivery or of a command.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/metrics.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/files.h"
#include "pipeline/columns/columns.h"
#include "pipeline/delivery/sink.h"
#include "pipeline/spool/reader.h"
#include "pipeline/spool/writer.h"

namespace rollcall {

// The position of a row in a spool.
struct RowPlace {
    uint64_t record;
    uint32_t row;

    auto operator<=>(const RowPlace&) const = default;
};

// A decoded dead letter. Its views are valid as long as the views of the record that was passed to
// dead_letter_of().
struct DeadLetter {
    RunId run;
    RowPlace place;
    std::string_view reason;  // One of dead_reason_names, unless another version wrote it.
    std::string_view detail;
    Record columns;  // The row, for columns_of().
};

// Decodes a dead letter. Fails with spool_damaged if the record is not a dead letter.
[[nodiscard]] Result<DeadLetter> dead_letter_of(const Record& record);

inline constexpr std::string_view dead_letters_name = "dead";
[[nodiscard]] std::string dead_letters_directory(const std::string& spool_directory, SinkName sink);

struct DeadReplay {
    uint64_t stored = 0;
    uint64_t refused = 0;  // Dead letters that the sink refused again.
    uint64_t damaged = 0;  // Dead letters whose records cannot be read.
};

class DeadLetters {
public:
    struct Options {
        SinkName sink;
        std::string spool_directory;  // Each sink has a folder in it for its dead letters.
        SpoolId spool;                // Without a lineage, the id also serves as the run.
        uint64_t size_max;            // Limit for all dead letters of this sink, in bytes.
        bool sync;
        const Lineage* lineage = nullptr;  // Finds the run of a refused row.
    };

    DeadLetters(Files& files, const Clock& clock, MetricShard& shard, const Options& options);

    // Keeps the rows of a batch that the sink has refused. `rows` are all rows of the batch, and
    // `places` are their places in the daemon's spool.
    [[nodiscard]] Result<void> keep(const Columns& rows, std::span<const RowPlace> places,
                                    std::span<const Refusal> refusals);

    // Sends all dead letters to the sink, in batches of at most rows_max rows and text_max bytes of
    // text. Rows that were stored before an error stay stored.
    [[nodiscard]] Result<DeadReplay> replay(
        Sink& sink, size_t rows_max, size_t text_max,
        const std::function<void(uint64_t done, uint64_t all)>& progress);

    // Forgets which rows have a dead letter, so that the next keep() reads the folder again. Call
    // it after the sink's position has moved back.
    void forget() { kept_.reset(); }

    // Counts the dead letters that are kept, updates the metric dead_letters_pending, and returns
    // their number. Reads the folder each time, because another process may have replayed some of
    // them.
    int64_t count();

private:
    struct Source {
        RunId run;
        RowPlace place;

        auto operator<=>(const Source&) const = default;
    };
    class Replay;

    [[nodiscard]] SpoolWriter writer(uint64_t size_max);
    [[nodiscard]] Source source_of(const RowPlace& place) const;
    [[nodiscard]] Result<void> read_kept(const SpoolWriter& letters, uint64_t from_record);
    [[nodiscard]] Result<void> keep_new(SpoolWriter& letters, const Columns& rows,
                                        std::span<const RowPlace> places,
                                        std::span<const Refusal> refusals);
    [[nodiscard]] Result<void> write(SpoolWriter& letters, const Columns& rows,
                                     const Refusal& refusal, const Source& source);
    [[nodiscard]] std::unexpected<Error> failed(const Error& error);
    void log_kept(uint64_t count, const Refusal& first, const RowPlace& place);

    Files& files_;
    const Clock& clock_;
    MetricShard& shard_;
    MetricShard unseen_;  // Counters of the spool of dead letters; not exported.
    Options options_;
    std::string directory_;
    // The rows with a dead letter, in the current batch and in later records. Has no value until
    // the folder was read.
    std::optional<std::set<RowPlace>> kept_;
    int64_t pending_ = 0;    // Number of dead letters at the last count.
    uint64_t unlogged_ = 0;  // Dead letters since the last log line.
    std::optional<int64_t> logged_us_;
};

}  // namespace rollcall
