// Sink: the interface of a store for batches of check-ins: a database or Kafka. The classes in
// sinks/ implement it.
//
// Exactly once: a sink stores the rows of a batch and its new position in one transaction. After a
// restart, open() returns that position, which is stored nowhere else. A sink keeps a position for
// each incarnation of a spool (spool/lineage.h). Before a sink stores a batch, it checks that the
// position is unchanged. write() fails if another daemon or an operator has changed the position.
//
// Duplicates: the delivery has removed reports that came to this daemon twice. A report that came
// to two daemons has the same id in both. If both daemons store into the same table, its unique key
// over (id, site_id) refuses the second row.
//
// Refused rows: a row that the sink can never store must not block the other rows. The sink finds
// such a row, passes it to keep_refused (dead_letters.h) and stores the other rows. If the cause is
// temporary, such as a lock, a missing permission or a missing table, no row is refused. In that
// case the whole batch fails, and the delivery tries it again.
//
// Errors:  open() and write() fail with sink_down and an explanation for the operator: what failed
//          and what to do. write() returns an error of keep_refused unchanged.
// Threads: one thread at a time calls a sink. While the daemon runs, this is the thread of the
//          sink's Delivery. Calls may block.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "pipeline/base/error.h"
#include "pipeline/columns/columns.h"
#include "pipeline/spool/format.h"
#include "pipeline/spool/lineage.h"

namespace rollcall {

// A row that a sink can never store.
struct Refusal {
    size_t row;  // Index of the row in the batch.
    DeadReason reason;
    std::string detail;  // The answer of the sink or its server, in one line.
};

// Returns the reason for a dead letter if an error with this code means that the row can never be
// stored. Returns nothing for all other codes.
constexpr std::optional<DeadReason> dead_reason_of(Code code) {
    switch (code) {
        case Code::row_too_large: return DeadReason::too_large;
        case Code::row_not_representable: return DeadReason::not_representable;
        case Code::row_value_invalid: return DeadReason::invalid_value;
        case Code::row_constraint: return DeadReason::constraint;
        default: return std::nullopt;
    }
}

// Makes the refused rows of a batch durable as dead letters, so that the sink may leave them out.
// The sink calls this function with all refused rows before it stores the position. If the sink
// refuses more rows after the call, it calls the function again with all refused rows, not only
// with the new ones. If a call fails, the batch fails with the same error.
using KeepRefused = std::function<Result<void>(std::span<const Refusal>)>;

struct Batch {
    const Columns& rows;    // If it is empty, only the position advances.
    uint64_t first_record;  // The rows come from spool records [first_record, end_record).
    uint64_t end_record;
    KeepRefused keep_refused = {};  // If it is empty, a refused row fails the batch.
    RunId run = {};                 // The run that wrote record end_record - 1.

    [[nodiscard]] Position position() const { return {end_record, run}; }
};

class Sink {
public:
    virtual ~Sink() = default;

    // Connects, and returns the position that the sink has stored for this incarnation of the
    // spool. If the sink has stored none, next_record is 0. Older versions of the daemon store a
    // position without a run; for such a position, the field `run` of the result is the id of the
    // incarnation.
    [[nodiscard]] virtual Result<Position> open(const IncarnationId& incarnation) = 0;

    // Returns the position that the sink has stored for another incarnation. Call after open().
    [[nodiscard]] virtual Result<Position> position_of(const IncarnationId&) { return Position{}; }

    // Returns true if other daemons store into the same table. Row ids are then computed from the
    // fingerprint, so that copies of a report have the same id in every daemon (row_id.h).
    [[nodiscard]] virtual bool shared() const { return false; }

    // Stores all rows and the position of the batch, or none of them. After an error, call open()
    // again.
    [[nodiscard]] virtual Result<void> write(const Batch& batch) = 0;

    // Returns how many rows of the last batch were left out because the table already had them.
    [[nodiscard]] virtual size_t duplicates() const { return 0; }

    // Lets the client library do its work, and fails if the database file or table no longer
    // exists. The delivery calls it at every step while the sink is open, even without a batch.
    [[nodiscard]] virtual Result<void> poll() { return {}; }

    // Returns the end of the records that the spool need not keep for this sink. `stored` is the
    // end of the records that the sink has stored. The result is lower than `stored` if the sink
    // can still lose some of the stored records together with a separate file, such as the WAL of
    // SQLite.
    [[nodiscard]] virtual uint64_t settled(uint64_t stored) const { return stored; }

    // Returns the counters of the sink itself, or nullptr if it has none.
    [[nodiscard]] virtual const MetricShard* counters() const { return nullptr; }
};

// Returns sink_down with the sentence of `cause` as its explanation. A sink returns every failure
// of its own in this way, because the delivery retries after every cause.
[[nodiscard]] inline std::unexpected<Error> sink_down(const Error& cause) {
    return fail(Code::sink_down, describe(cause));
}

}  // namespace rollcall
