// Dead letters: rows that a sink refused for good, with the reason, until a person has mended what
// was wrong and sends them again.
//
//   spool/dead/sqlite/                a spool (spool/format.h) of what this sink refused
//     00000000000000000000.segment    each record is one letter; they are numbered from 0
//     checkpoint, recycled, lock
//
//   payload   spool             16 bytes   the spool that the row stood in
//             record                  u64  and its place there
//             row                     u32
//             text bytes              u32
//             text                         reason, line feed, what the sink said
//             padding                      zeros up to a multiple of 8
//             columns                      of the one row, as in any record; `id` is the row's id
//
// keep() is called before the sink's position passes the rows, and they are durable when it
// returns: a row is in the sink or in a letter, whenever the process ends. A batch that is written
// again refuses the same rows; each is kept and counted once.
//
// replay() is a delivery of this spool to the sink: its position in it moves with the rows, so each
// letter is stored once. Rows have the ids that they had. What is refused again becomes a letter
// anew, behind all others; then those before are dropped.
//
// Whoever writes here holds the lock, for that long only: a command may send letters again while a
// daemon runs, whose sink waits meanwhile if it refuses a row.
//
// Bounded: when they are too many, keep() fails and the sink waits; nothing is dropped.
//
// Threads: a delivery's, or a command's.
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

// Where a row stands in a spool.
struct RowPlace {
    uint64_t record;
    uint32_t row;

    auto operator<=>(const RowPlace&) const = default;
};

struct DeadLetter {
    SpoolId spool;
    RowPlace place;
    std::string_view reason;  // Of dead_reason_names, unless another version wrote it.
    std::string_view detail;
    Record columns;  // For columns_of(). What is not owned is valid as long as the record.
};

// spool_damaged if the record is no letter.
[[nodiscard]] Result<DeadLetter> letter_of(const Record& record);

inline constexpr std::string_view dead_letters_name = "dead";
[[nodiscard]] std::string dead_letters_directory(const std::string& spool_directory, SinkName sink);

struct DeadReplay {
    uint64_t stored = 0;
    uint64_t refused = 0;  // Again.
    uint64_t damaged = 0;  // They cannot be read.
};

class DeadLetters {
public:
    struct Options {
        SinkName sink;
        SpoolId spool;      // That the rows come from.
        uint64_t size_max;  // Bytes.
        bool sync;
    };

    DeadLetters(Files& files, const std::string& spool_directory, const Clock& clock,
                MetricShard& shard, const Options& options);

    // places: of each of the rows. Any error but sync_failed may go away; trouble() says it.
    [[nodiscard]] Result<void> keep(const Columns& rows, std::span<const RowPlace> places,
                                    std::span<const Refusal> refusals);

    // Sends all letters again, in batches of so many rows and bytes of text at most. After an error
    // those that are stored are stored; it is the sink's, or trouble() says it.
    [[nodiscard]] Result<DeadReplay> replay(
        Sink& sink, size_t rows_max, size_t text_max,
        const std::function<void(uint64_t done, uint64_t all)>& progress);

    // Sets the gauge, as another process may have sent some again.
    void count();

    // Why the last call failed; empty if that is the sink's to say.
    [[nodiscard]] const std::string& trouble() const { return trouble_; }

private:
    struct Source {
        SpoolId spool;
        RowPlace place;

        auto operator<=>(const Source&) const = default;
    };
    class Replay;

    [[nodiscard]] SpoolWriter writer(uint64_t size_max);
    [[nodiscard]] Result<void> learn(const SpoolWriter& letters, uint64_t from_record);
    [[nodiscard]] Result<void> write(SpoolWriter& letters, const Columns& rows,
                                     const Refusal& refusal, const Source& source);
    [[nodiscard]] std::unexpected<Error> failed(const Error& error);
    void say(uint64_t kept, const Refusal& first, const RowPlace& place);

    Files& files_;
    std::string directory_;
    const Clock& clock_;
    MetricShard& shard_;
    MetricShard unseen_;  // What a spool's writer counts says nothing here.
    Options options_;
    // Those of rows that a batch may still hold; nothing: not read yet.
    std::optional<std::set<RowPlace>> known_;
    std::string trouble_;
    uint64_t unsaid_ = 0;  // Letters since the log had a line.
    std::optional<int64_t> said_us_;
};

}  // namespace rollcall
