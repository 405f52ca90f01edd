#include "pipeline/ingest/intake.h"

#include <bit>

#include "pipeline/base/utf8.h"
#include "pipeline/columns/row_id.h"

namespace rollcall {

namespace {

// A router is known by its credential. Without one, by what it says of itself, else by where it
// reports to. Empty if neither tells.
std::string_view site_of(const Columns& row, const Fields& fields, const Sender& sender) {
    if (!sender.site.empty()) return sender.site;
    for (const Column column : {Column::serial_number, Column::system_id})
        if (row.has(column)) return row.text(row.rows(), column);
    return sender.device.empty() ? fields.device() : sender.device;
}

}  // namespace

Intake::Intake(const Limits& limits, Wakeup& committer, MetricShard& shard)
    : ring_(limits.slots, limits.slot_rows, limits.slot_text_bytes),
      decoder_(limits.body_bytes, limits.items),
      committer_(committer),
      shard_(shard) {}

Columns* Intake::open_slot() {
    if (open_ != nullptr && open_->room()) return open_;
    if (open_ != nullptr) hand_over();
    open_ = ring_.claim();
    if (open_ != nullptr) open_->clear();
    return open_;
}

Result<void> Intake::accept(std::string_view body, BodyHint hint, const Sender& sender,
                            Receipt& receipt) {
    sender_ = &sender;
    receipt_ = &receipt;
    fields_.shape() = {};
    const auto decoded = decoder_.decode(body, hint, receipt.items, *this);
    if (decoded) return decoded;
    if (open_ != nullptr) open_->discard_row();
    receipt.shape = fields_.shape();
    if (decoded.error().code == Code::ring_full) shard_.add(Metric::ring_full_total);
    if (decoded.error().truncated) shard_.add(Metric::checkins_truncated_total);
    return decoded;
}

Result<void> Intake::announce(bool online, const Sender& sender, Receipt& receipt) {
    sender_ = &sender;
    receipt_ = &receipt;
    Columns* const row = open_slot();
    if (row == nullptr) {
        shard_.add(Metric::ring_full_total);
        return fail(Code::ring_full);
    }
    fields_.begin(*row);
    const std::string_view site = site_of(*row, fields_, sender);
    set_envelope(*row, site.empty() ? sender.address : site, sender, online);
    commit(*row);
    return {};
}

std::string_view Intake::site_beside(const Sender& sender) {
    aside_.clear();
    fields_.begin(aside_);
    decoder_.decode_beside(sender.query, sender.header, fields_);
    fields_.finish();
    return site_of(aside_, fields_, sender);
}

void Intake::accept_refused(std::string_view site, const Sender& sender, Code code) {
    Columns* const row = open_slot();
    ensure(row != nullptr);
    set_envelope(*row, site, sender, true);
    row->set_text(Column::warnings, to_text(code));
    row->commit_row();
}

Fields* Intake::next() {
    Columns* const row = open_slot();
    if (row == nullptr) return nullptr;
    fields_.begin(*row);
    decoder_.decode_beside(sender_->query, sender_->header, fields_);
    return &fields_;
}

void Intake::taken(std::string_view text) {
    Columns& row = *open_;
    receipt_->warnings = fields_.finish();
    receipt_->shape = fields_.shape();
    const std::string_view site = site_of(row, fields_, *sender_);
    set_envelope(row, site.empty() ? sender_->address : site, *sender_, true);
    set_fingerprint(row, text);
    commit(row);
    if (fields_.extra().cut()) shard_.add(Metric::extra_truncated_total);
    for (uint32_t rest = fields_.warning_bits(); rest != 0; rest &= rest - 1)
        shard_.add(Metric::checkins_warned_total, 1, static_cast<size_t>(std::countr_zero(rest)));
}

void Intake::refused(Code code) {
    if (open_ != nullptr) open_->discard_row();
    receipt_->refused.push_back({receipt_->items++, code});
    shard_.add(Metric::checkins_rejected_total, 1, label_of(sender_->transport, code));
}

void Intake::commit(Columns& row) {
    row.commit_row();
    receipt_->site = row.text(row.rows() - 1, Column::site_id);
    receipt_->slot = ring_.next();
    ++receipt_->accepted;
    ++receipt_->items;
}

void Intake::set_envelope(Columns& row, std::string_view site, const Sender& sender, bool online) {
    row.set_text(Column::site_id, utf8_prefix(site, bytes_max(Column::site_id)));
    row.set_integer(Column::received_at, sender.received_us);
    row.set_integer(Column::online, online);
    row.set_text(Column::transport, to_text(sender.transport));
    row.set_text(Column::source_ip, sender.address);
}

// A report sent twice must not add a row; one that happens to look like another must. So it is told
// by the key that its sender gave, or by what it says if that changes from report to report: an
// uptime or a sequence number. Else by its packet id, if it comes as a message that says whether it
// is sent again; or there is nothing to tell it by. See row_id.h.
void Intake::set_fingerprint(Columns& row, std::string_view text) {
    const uint64_t site = fingerprint(row.text(row.rows(), Column::site_id), 0);
    if (!sender_->idempotency_key.empty()) {
        const uint64_t said = fingerprint(sender_->idempotency_key, site + receipt_->items);
        row.set_integer(Column::id, static_cast<int64_t>(said));
    } else if (row.has(Column::uptime_s) || row.has(Column::seq)) {
        uint64_t said = fingerprint(text, site);
        for (const std::string_view beside : {sender_->query, sender_->header})
            if (!beside.empty()) said = fingerprint(beside, said);
        row.set_integer(Column::id, static_cast<int64_t>(said));
    } else if (!sender_->client.empty()) {
        const uint64_t message =
            fingerprint(sender_->client, site + receipt_->items) + sender_->packet_id;
        const auto said = static_cast<int64_t>(fingerprint(text, message));
        row.set_integer(Column::id, sender_->again ? said : -said);
    }
}

void Intake::hand_over() {
    open_ = nullptr;
    ring_.publish();
    committer_.notify();
}

void Intake::publish() {
    const bool committer_busy = ring_.durable() != ring_.next();
    if (open_ != nullptr && open_->rows() > 0 && !committer_busy) hand_over();
}

}  // namespace rollcall
