// Intake: a worker's door into the pipeline.
//
// accept() decodes a body into rows of the open slot; publish(), at the end of the worker's turn,
// hands the slot to the committer. One slot is written while the next one fills. The receipt names
// the slot: when durable() has passed it, the report is on disk and its sender may be answered.
//
// Threads: the worker that owns it; durable() is moved by the committer.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "config/metrics.h"
#include "pipeline/base/wakeup.h"
#include "pipeline/columns/columns.h"
#include "pipeline/decode/decode.h"
#include "pipeline/decode/fields.h"
#include "pipeline/decode/items.h"
#include "pipeline/ingest/ring.h"

namespace rollcall {

// What the daemon knows of a body without reading it.
struct Sender {
    Transport transport;
    std::string_view address;  // Where it came from, as text.
    std::string_view device;   // From the topic or the path; may be empty.
    int64_t received_us;       // UTC, microseconds since 1970.
    // Values outside of the body: a URL's query, and header fields as `name=value` lines.
    std::string_view query = {};
    std::string_view header = {};
    // What the sender calls this body, so that it is known again; may be empty.
    std::string_view idempotency_key = {};
    // By its credential: then nothing else that names a site counts. Empty: everyone is welcome.
    std::string_view site = {};
    // Of a message that is sent again until it is acknowledged: whose it is, its packet id, and
    // whether it may be such a copy. Empty: of nobody.
    std::string_view client = {};
    uint16_t packet_id = 0;
    bool again = false;

    [[nodiscard]] int64_t received_s() const { return received_us / 1'000'000; }
};

// What became of a body so far.
struct Receipt {
    struct Refusal {
        size_t item;
        Code code;
    };

    size_t items = 0;           // Reports that are done with, taken or refused.
    size_t accepted = 0;        // Rows.
    uint64_t slot = 0;          // That holds the last of them.
    Shape shape;                // Of the last report, also of one that was refused; valid as long
                                // as the body and until the next accept().
    std::string_view site;      // Of the last report; valid as `warnings` is.
    std::string_view warnings;  // Of the last report, as in the column; valid until the next
                                // accept().
    std::vector<Refusal> refused;
};

class Intake final : Items {
public:
    // committer: rung when a slot is published.
    struct Limits {
        size_t slots;
        size_t slot_rows;
        size_t slot_text_bytes;
        size_t body_bytes;
        size_t items;
    };
    Intake(const Limits& limits, Wakeup& committer, MetricShard& shard);

    // A row for each report of a body. After an error nothing of it is left, but for ring_full:
    // then stop reading, and call again with the same receipt when durable() has moved.
    // body_padding bytes behind `body` must be readable.
    [[nodiscard]] Result<void> accept(std::string_view body, BodyHint hint, const Sender& sender,
                                      Receipt& receipt);

    // A row that says only that the router is there, or is gone. ring_full as above.
    [[nodiscard]] Result<void> announce(bool online, const Sender& sender, Receipt& receipt);

    // Where a sender belongs by what is known without its body: the topic, the path, the query, the
    // header. Empty if they do not say. Valid as long as these and until the next call.
    [[nodiscard]] std::string_view site_beside(const Sender& sender);

    // A row that says no more than that a router of this site was there, and why its report was
    // refused. Nobody is told when it is durable. Only if has_room().
    void accept_refused(std::string_view site, const Sender& sender, Code code);

    // Would accept() find room?
    [[nodiscard]] bool has_room() { return open_slot() != nullptr; }

    // Hands over what was gathered, unless the committer still has a slot of ours: then the open
    // one fills on, for it could not be written earlier anyway. Call it at the end of every turn,
    // and when durable() has moved.
    void publish();

    // Is there nothing that publish() has still to hand over?
    [[nodiscard]] bool handed_over() const { return open_ == nullptr || open_->rows() == 0; }

    // Slots below are on disk.
    [[nodiscard]] uint64_t durable() const { return ring_.durable(); }

    [[nodiscard]] Ring<Columns>& ring() { return ring_; }

private:
    [[nodiscard]] Columns* open_slot();
    void hand_over();
    void commit(Columns& row);
    static void set_envelope(Columns& row, std::string_view site, const Sender& sender,
                             bool online);
    void set_fingerprint(Columns& row, std::string_view text);

    // Items, for the decoder while accept() runs.
    [[nodiscard]] Fields* next() override;
    void taken(std::string_view text) override;
    void refused(Code code) override;

    Ring<Columns> ring_;
    Columns* open_ = nullptr;         // The slot claimed, until it is published.
    Columns aside_{1, row_text_max};  // A row that is only looked at.
    Decoder decoder_;
    Fields fields_;
    const Sender* sender_ = nullptr;  // While accept() runs.
    Receipt* receipt_ = nullptr;      // The same.
    Wakeup& committer_;
    MetricShard& shard_;
};

}  // namespace rollcall
