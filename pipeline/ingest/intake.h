// Intake: the part of a worker that puts reports into the pipeline.
//
// accept() decodes a body into rows of the open slot. At the end of each turn of the worker's event
// loop, publish() passes that slot to the committer. While the committer writes one slot, the
// worker fills the next. accept() stores the number of the slot in a Receipt. Once durable() is
// above this number, the report is on disk and may be acknowledged.
//
// Threads: the worker that owns the Intake. The committer advances durable(); any thread may read
//          the published sketches.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "config/metrics.h"
#include "pipeline/base/frequent_names.h"
#include "pipeline/base/hash.h"
#include "pipeline/base/published_copy.h"
#include "pipeline/base/wakeup.h"
#include "pipeline/columns/columns.h"
#include "pipeline/decode/decode.h"
#include "pipeline/decode/fields.h"
#include "pipeline/decode/identities.h"
#include "pipeline/ingest/ring.h"

namespace rollcall {

// Facts about a body that the caller knows without decoding it.
struct Sender {
    Transport transport;
    std::string_view address;  // Source address, as text.
    std::string_view device;   // The device in the MQTT topic or in the path; may be empty.
    int64_t received_us;       // Time of receipt in microseconds since 1970, UTC.
    // The out-of-band fields: a URL's query, and header fields as `name=value` lines.
    std::string_view query = {};
    std::string_view header = {};
    // The charset that the Content-Type declares; may be empty.
    std::string_view charset = {};
    // The idempotency key that the sender gave for this body; may be empty.
    std::string_view idempotency_key = {};
    // The site that the credential names; it overrides all other names of a site. Empty if the
    // client is anonymous.
    std::string_view site = {};
    // The tenant of that site; empty if there is none.
    std::string_view tenant = {};
    // The MQTT topic, or the HTTP path without the device. It distinguishes reports with equal
    // contents: a client that forwards reports of several routers can use a separate topic or path
    // for each router.
    std::string_view route = {};
    // Set only for an MQTT message that the client repeats until it is acknowledged: the client,
    // the packet id, and the DUP flag. The client sets this flag if it may have sent the message
    // before.
    std::string_view client = {};
    uint16_t packet_id = 0;
    bool again = false;

    [[nodiscard]] int64_t received_s() const { return received_us / 1'000'000; }
};

// The progress and the outcome of accepting one body.
struct Receipt {
    struct Refusal {
        size_t item;
        Code code;
    };

    size_t items = 0;     // Number of reports that were stored or refused.
    size_t accepted = 0;  // Number of rows that were stored.
    uint64_t slot = 0;    // Number of the slot with the last row.
    // Shape of the last report, even if it was refused. Empty if an array was refused as a whole,
    // and after ring_full. Valid until the next accept(), and only as long as the body is readable.
    Shape shape;
    // The site of the last report, and the text of its column `warnings`. Both are valid until the
    // next accept().
    std::string_view site;
    std::string_view warnings;
    std::vector<Refusal> refused;
};

class Intake {
public:
    struct Limits {
        size_t slots;
        size_t slot_rows;
        size_t slot_text_bytes;
        size_t body_bytes;
        size_t items;
        bool keep_sim_identifiers = false;  // See decode/extra.h.
        // Number of names in each sketch, see observations.h.
        size_t unknown_keys = Fields::unknown_keys_default;
        size_t warned_versions = Fields::unknown_keys_default;
    };
    // fingerprint_key: secret; must be the same for all daemons that store into one table.
    // committer: is notified when a slot is published.
    Intake(const Limits& limits, const KeyedHash::Key& fingerprint_key, Wakeup& committer,
           MetricShard& shard);

    // Stores a row for each report of a body. The body_padding bytes after `body` must be readable.
    // If an error is returned, no row of the body is stored, and none of its reports is counted in
    // the metrics. The exception is ring_full: the reports that the receipt counts stay stored.
    // Stop reading, and call again with the same receipt when durable() has advanced. The call
    // continues after these reports.
    [[nodiscard]] Result<void> accept(std::string_view body, BodyHint hint, const Sender& sender,
                                      Receipt& receipt);

    // Stores a row that says only whether the router is connected. Can fail with ring_full, like
    // accept().
    [[nodiscard]] Result<void> announce(bool online, const Sender& sender, Receipt& receipt);

    // Returns the site of a report without a body. The site comes from the credential, the topic,
    // the path, the query or the header; empty if none of them names one. Valid until the next
    // call, and only as long as the texts in `sender` are.
    [[nodiscard]] std::string_view site_without_body(const Sender& sender);

    // Stores a row that says only that a router of this site is alive, and why its report was
    // refused. The response to that report does not wait until this row is durable. Call only if
    // has_room().
    void accept_refused(std::string_view site, const Sender& sender, Code code);

    // Returns true if there is a free slot for accept().
    [[nodiscard]] bool has_room() { return open_slot() != nullptr; }

    // Passes the open slot to the committer, unless the committer still has a slot of this worker.
    // In that case the open slot takes more reports; the committer could not write it sooner
    // anyway. Call this at the end of every turn, and when durable() has advanced.
    void publish();

    // Returns true if publish() has passed on all rows.
    [[nodiscard]] bool handed_over() const { return open_ == nullptr || open_->rows() == 0; }

    // All slots below this number are on disk.
    [[nodiscard]] uint64_t durable() const { return ring_.durable(); }

    [[nodiscard]] Ring<Columns>& ring() { return ring_; }

    // Publishes the sketches (observations.h) for other threads. Never waits; call it once a
    // second.
    void publish_observations();
    // Return the published sketches. Any thread may call these.
    [[nodiscard]] FrequentNames unknown_keys() const { return published_unknown_keys_.read(); }
    [[nodiscard]] FrequentNames warned_versions() const {
        return published_warned_versions_.read();
    }

private:
    [[nodiscard]] bool open_slot_has_room() const { return open_ != nullptr && open_->room(); }
    [[nodiscard]] Columns* open_slot();
    void hand_over();
    // The reports of the current body that can still be taken back are unsettled. They are in the
    // open slot and not counted in the metrics.
    void begin_unsettled(const Receipt& receipt);
    void take_back(Receipt& receipt);
    void settle(const Sender& sender, const Receipt& receipt);
    [[nodiscard]] Result<void> store_reports(const Submission& submission, const Sender& sender,
                                             Receipt& receipt);
    [[nodiscard]] std::string_view site_of(const Columns& row, const Sender& sender);
    void store(Columns& row, std::string_view text, const Sender& sender, Receipt& receipt);
    void refuse_report(Code code, Receipt& receipt);
    void commit(Columns& row, Receipt& receipt);
    static void set_envelope(Columns& row, std::string_view site, const Sender& sender,
                             bool online);
    void set_fingerprint(Columns& row, std::string_view text, const Sender& sender, bool is_named,
                         const Receipt& receipt) const;
    void count_warnings(uint32_t bits, size_t row);

    KeyedHash fingerprint_hash_;
    Ring<Columns> ring_;
    Columns* open_ = nullptr;           // The slot that is being filled.
    Columns scratch_{1, row_text_max};  // Row for site_without_body().
    Decoder decoder_;
    Fields fields_;
    identities::Mac device_;  // The device of a sender in its normalized spelling.
    // The unsettled reports: where they begin, and the warnings (Fields::warning_bits()) of each
    // one that is a row.
    struct Unsettled {
        Columns::End begin;
        size_t items = 0;
        size_t refused = 0;
        std::vector<uint32_t> warnings;
        size_t cut_extras = 0;  // Number of reports whose column `extra` was cut.
    };
    Unsettled unsettled_;
    FrequentNames warned_versions_;
    PublishedCopy<FrequentNames> published_unknown_keys_;
    PublishedCopy<FrequentNames> published_warned_versions_;
    Wakeup& committer_;
    MetricShard& shard_;
};

}  // namespace rollcall
