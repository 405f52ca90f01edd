// Sink: where batches are stored. The pipeline declares it, sinks/ implements it.
//
// Exactly once needs one thing: the sink stores a batch's rows and its end_record in one
// transaction, and after a restart open() says how far it got. Nothing else remembers it.
//
// Of a report that came twice to this daemon a sink sees one row. If it came to two daemons, the
// rows have one id in a shared sink, and the unique key over (id, site_id) refuses the second.
//
// A row that the sink will never take, whatever is tried, must not hold up the others: the sink
// finds out which one it is, has it kept as a dead letter (dead_letters.h), and stores the rest.
// What may go away, such as a lock, a right or a table that is missing, refuses no row: it fails
// the batch.
//
// Threads: every call comes from one thread at a time, this sink's Delivery once it runs. Calls may
//          block.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "pipeline/columns/columns.h"
#include "pipeline/spool/format.h"

namespace rollcall {

// A row that a sink refuses for good.
struct Refusal {
    size_t row;  // Of the batch.
    DeadReason reason;
    std::string detail;  // In the sink's words, one line.
};

// Makes these durable elsewhere, so that a sink may leave them out. To be called before the
// position is stored, with all of the batch; again if there turn out to be more. If it fails, so
// does the batch, with this error.
using KeepRefused = std::function<Result<void>(std::span<const Refusal>)>;

struct Batch {
    const Columns& rows;    // May be none: then only the position moves.
    uint64_t first_record;  // Spool records [first_record, end_record).
    uint64_t end_record;
    KeepRefused keep_refused = {};  // Empty: nobody keeps them, and a row refused fails the batch.
};

class Sink {
public:
    virtual ~Sink() = default;

    // Connects, and returns the first record of this spool that the sink has not stored.
    [[nodiscard]] virtual Result<uint64_t> open(const SpoolId& spool) = 0;

    // Whether other daemons store into the same table. A copy of a report that went through one of
    // them then has the same id, at a price that row_id.h tells.
    [[nodiscard]] virtual bool shared() const { return false; }

    // Stores all rows and end_record, or nothing. After an error, call open() again.
    [[nodiscard]] virtual Result<void> write(const Batch& batch) = 0;

    // Rows of the batch written last that the table had already, and were not stored again.
    [[nodiscard]] virtual size_t duplicates() const { return 0; }

    // After an error: what is wrong and what to do, for the operator. Empty: the code says it all.
    [[nodiscard]] virtual std::string trouble() const { return {}; }

    // Called again and again while the sink is open, whether there is something to write or not.
    virtual void poll() {}

    // What the sink counts itself; nullptr if that is nothing.
    [[nodiscard]] virtual const MetricShard* counters() const { return nullptr; }
};

}  // namespace rollcall
