// Intake: a worker's door into the pipeline.
//
// accept() decodes a report into the open slot; publish(), at the end of the worker's turn, hands
// the slot to the committer. One slot is written while the next one fills. The receipt names the
// slot: when durable() has passed it, the report is on disk and its sender may be answered.
//
// Threads: the worker that owns it; durable() is moved by the committer.
#pragma once

#include <cstdint>
#include <string_view>

#include "config/metrics.h"
#include "pipeline/columns.h"
#include "pipeline/decode.h"
#include "pipeline/doorbell.h"
#include "pipeline/fields.h"
#include "pipeline/ring.h"

namespace rollcall {

// What the daemon knows of a report without reading it.
struct Sender {
    Transport transport;
    std::string_view address;  // Where it came from, as text.
    std::string_view device;   // From the topic or the path; may be empty.
    int64_t received_us;       // UTC, microseconds since 1970.
};

struct Receipt {
    uint64_t slot;
    std::string_view warnings;  // As in the column; valid until the next accept().
};

class Intake {
public:
    // committer: rung when a slot is published.
    Intake(size_t slots_max, size_t rows_max, size_t text_max, size_t body_bytes_max,
           Doorbell& committer, Slab& slab);

    // One report, one row. After an error nothing of it is left; ring_full means: stop reading
    // until durable() moves. body_padding bytes behind `body` must be readable.
    [[nodiscard]] Result<Receipt> accept(std::string_view body, BodyHint hint,
                                         const Sender& sender);

    // Would accept() find room?
    [[nodiscard]] bool has_room() { return open_slot() != nullptr; }

    // Hands over what was gathered, unless the committer still has a slot of ours: then the open
    // one fills on, for it could not be written earlier anyway. Call it at the end of every turn,
    // and when durable() has moved.
    void publish();

    // Slots below are on disk.
    [[nodiscard]] uint64_t durable() const { return ring_.durable(); }

    [[nodiscard]] Ring<Columns>& ring() { return ring_; }

private:
    [[nodiscard]] Columns* open_slot();
    void hand_over();
    void set_envelope(Columns& row, const Sender& sender);

    Ring<Columns> ring_;
    Columns* open_ = nullptr;  // The slot claimed, until it is published.
    Decoder decoder_;
    Fields fields_;
    Doorbell& committer_;
    Slab& slab_;
};

}  // namespace rollcall
