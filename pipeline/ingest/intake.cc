#include "pipeline/ingest/intake.h"

#include <bit>

#include "pipeline/base/utf8.h"
#include "pipeline/ingest/observations.h"

namespace rollcall {

Intake::Intake(const Limits& limits, const KeyedHash::Key& fingerprint_key, Wakeup& committer,
               MetricShard& shard)
    : fingerprint_hash_(fingerprint_key),
      ring_(limits.slots, limits.slot_rows, limits.slot_text_bytes),
      decoder_(limits.body_bytes, limits.items),
      fields_(limits.keep_sim_identifiers, limits.unknown_keys),
      warned_versions_(limits.warned_versions),
      published_unknown_keys_(fields_.unknown_keys().names()),
      published_warned_versions_(warned_versions_),
      committer_(committer),
      shard_(shard) {}

Columns* Intake::open_slot() {
    if (open_slot_has_room()) return open_;
    if (open_ != nullptr) hand_over();
    open_ = ring_.claim();
    if (open_ != nullptr) open_->clear();
    return open_;
}

Result<void> Intake::accept(std::string_view body, BodyHint hint, const Sender& sender,
                            Receipt& receipt) {
    begin_unsettled(receipt);
    const auto stored = store_reports({.body = body,
                                       .hint = hint,
                                       .query = sender.query,
                                       .header = sender.header,
                                       .charset = sender.charset},
                                      sender, receipt);
    if (stored) {
        settle(sender, receipt);
        return stored;
    }
    take_back(receipt);
    // The error of an array belongs to none of its reports. After ring_full, the caller may move
    // the body, to which a shape has a view.
    const bool is_full = stored.error().code == Code::ring_full;
    receipt.shape = is_full || decoder_.is_array() ? Shape{} : fields_.shape();
    if (is_full) shard_.add(Metric::ring_full_total);
    if (stored.error().truncated) shard_.add(Metric::checkins_truncated_total);
    return stored;
}

Result<void> Intake::store_reports(const Submission& submission, const Sender& sender,
                                   Receipt& receipt) {
    fields_.shape() = {};
    if (auto opened = decoder_.open(submission, receipt.items); !opened) return opened;
    for (;;) {
        const Upcoming upcoming = decoder_.upcoming();
        if (upcoming == Upcoming::end) return {};
        if (upcoming == Upcoming::unsupported) {
            if (auto skipped = decoder_.skip(); !skipped) return skipped;
            refuse_report(Code::unsupported_shape, receipt);
            continue;
        }
        if (!open_slot_has_room() && receipt.items > unsettled_.items) {
            // The committer writes the open slot next, so its rows cannot be taken back later.
            if (auto checked = decoder_.check_rest(); !checked) return checked;
            settle(sender, receipt);
        }
        Columns* const row = open_slot();
        if (row == nullptr) {
            // A body with a fault is refused at once, and does not wait for room.
            if (auto checked = decoder_.check_rest(); !checked) return checked;
            return fail(Code::ring_full);
        }
        if (receipt.items == unsettled_.items) unsettled_.begin = row->end();
        fields_.begin(*row, sender.received_us);
        const auto text = decoder_.read(fields_);
        if (text) {
            store(*row, *text, sender, receipt);
        } else if (decoder_.refuses_one_by_one()) {
            refuse_report(text.error().code, receipt);
        } else {
            return std::unexpected(text.error());
        }
    }
}

// Returns the site of a report, or an empty text. The site is the first of these that exists: the
// site of the credential, the serial number or licence id in the report, the device in the path or
// topic, and another id in the report.
std::string_view Intake::site_of(const Columns& row, const Sender& sender) {
    if (!sender.site.empty()) return sender.site;
    for (const Column column : {Column::serial_number, Column::system_id})
        if (row.has(column)) return row.text(row.rows(), column);
    if (!identities::is_site(sender.device)) return fields_.device();
    const auto mac = identities::mac(sender.device, false);
    if (!mac) return sender.device;
    device_ = *mac;
    return device_.view();
}

void Intake::store(Columns& row, std::string_view text, const Sender& sender, Receipt& receipt) {
    receipt.warnings = fields_.finish();
    receipt.shape = fields_.shape();
    const std::string_view site = site_of(row, sender);
    set_envelope(row, site.empty() ? sender.address : site, sender, true);
    set_fingerprint(row, text, sender, !site.empty(), receipt);
    commit(row, receipt);
    unsettled_.warnings.push_back(fields_.warning_bits());
    if (fields_.extra().cut()) ++unsettled_.cut_extras;
}

void Intake::begin_unsettled(const Receipt& receipt) {
    unsettled_.items = receipt.items;
    unsettled_.refused = receipt.refused.size();
    unsettled_.warnings.clear();
    unsettled_.cut_extras = 0;
    if (open_ != nullptr) unsettled_.begin = open_->end();
}

// Removes the unsettled reports and the unfinished row.
void Intake::take_back(Receipt& receipt) {
    if (open_ != nullptr) open_->cut(unsettled_.begin);
    receipt.accepted -= unsettled_.warnings.size();
    receipt.items = unsettled_.items;
    receipt.refused.resize(unsettled_.refused);
}

// Counts the unsettled reports in the metrics. They can no longer be taken back.
void Intake::settle(const Sender& sender, const Receipt& receipt) {
    for (size_t i = 0; i < unsettled_.warnings.size(); ++i)
        if (unsettled_.warnings[i] != 0)
            count_warnings(unsettled_.warnings[i], unsettled_.begin.rows + i);
    if (unsettled_.cut_extras > 0)
        shard_.add(Metric::extra_truncated_total, static_cast<int64_t>(unsettled_.cut_extras));
    for (size_t i = unsettled_.refused; i < receipt.refused.size(); ++i)
        shard_.add(Metric::checkins_rejected_total, 1,
                   label_of(sender.transport, receipt.refused[i].code));
    begin_unsettled(receipt);
}

// Counts the warnings of a row in the open slot.
void Intake::count_warnings(uint32_t bits, size_t row) {
    const std::string_view version =
        open_->has(row, Column::version) ? open_->text(row, Column::version) : std::string_view();
    for (uint32_t rest = bits; rest != 0; rest &= rest - 1) {
        const auto warning = static_cast<Warning>(std::countr_zero(rest));
        shard_.add(Metric::checkins_warned_total, 1, label_of(warning));
        count_warned_version(warned_versions_, warning, version);
    }
}

void Intake::publish_observations() {
    // If another thread is reading a sketch now, that sketch is published the next time.
    (void)published_unknown_keys_.publish(fields_.unknown_keys().names());
    (void)published_warned_versions_.publish(warned_versions_);
}

void Intake::refuse_report(Code code, Receipt& receipt) {
    if (open_ != nullptr) open_->discard_row();
    receipt.refused.push_back({receipt.items++, code});
}

Result<void> Intake::announce(bool online, const Sender& sender, Receipt& receipt) {
    Columns* const row = open_slot();
    if (row == nullptr) {
        shard_.add(Metric::ring_full_total);
        return fail(Code::ring_full);
    }
    fields_.begin(*row);
    const std::string_view site = site_of(*row, sender);
    set_envelope(*row, site.empty() ? sender.address : site, sender, online);
    commit(*row, receipt);
    return {};
}

std::string_view Intake::site_without_body(const Sender& sender) {
    scratch_.clear();
    fields_.begin(scratch_);
    const Submission out_of_band{.query = sender.query, .header = sender.header};
    // Ignore errors: out-of-band fields can name the site even if they are not a report.
    if (decoder_.open(out_of_band)) (void)decoder_.read(fields_);
    fields_.finish();
    return site_of(scratch_, sender);
}

void Intake::accept_refused(std::string_view site, const Sender& sender, Code code) {
    Columns* const row = open_slot();
    ensure(row != nullptr);
    set_envelope(*row, site, sender, true);
    row->set_text(Column::warnings, to_text(code));
    row->commit_row();
}

void Intake::commit(Columns& row, Receipt& receipt) {
    row.commit_row();
    receipt.site = row.text(row.rows() - 1, Column::site_id);
    receipt.slot = ring_.next();
    ++receipt.accepted;
    ++receipt.items;
}

void Intake::set_envelope(Columns& row, std::string_view site, const Sender& sender, bool online) {
    row.set_text(Column::site_id, utf8_prefix(site, bytes_max(Column::site_id)));
    row.set_integer(Column::received_at, sender.received_us);
    row.set_integer(Column::online, online);
    row.set_text(Column::transport, to_text(sender.transport));
    row.set_text(Column::source_ip, sender.address);
    if (!sender.tenant.empty()) row.set_text(Column::tenant, sender.tenant);
}

// Sets the fingerprint of the row, by which copies of the report are recognized. A repeated report
// must not add a row, but another report with the same content must. The fingerprint is therefore
// the hash of one of these, the first that exists:
//   - the idempotency key
//   - the text of the report, if it contains an uptime or a sequence number: the next report of the
//     same router then has another text
//   - the client, packet id and text of an MQTT message that the client repeats until it is
//     acknowledged. If the message has no DUP flag, the row is marked as a first sending (row_id.h)
// Otherwise the row gets no fingerprint. The text alone is not used if nothing names the router,
// because another router behind the same address can send the same text.
//
// The tenant, the site and the route are part of the hash's input. So without the hash's key, a
// client can neither produce the fingerprint of a report of another tenant or site, nor find two
// inputs with the same fingerprint.
void Intake::set_fingerprint(Columns& row, std::string_view text, const Sender& sender,
                             bool is_named, const Receipt& receipt) const {
    enum class Basis : uint64_t { idempotency_key = 1, report, message };
    HashedParts parts(fingerprint_hash_);
    const auto add_basis = [&](Basis basis) -> HashedParts& {
        return parts.add(static_cast<uint64_t>(basis))
            .add(sender.tenant)
            .add(row.text(row.rows(), Column::site_id))
            .add(sender.route)
            .add(sender.device);
    };
    if (!sender.idempotency_key.empty()) {
        add_basis(Basis::idempotency_key).add(sender.idempotency_key).add(receipt.items);
    } else if (is_named && (row.has(Column::uptime_s) || row.has(Column::seq))) {
        add_basis(Basis::report).add(text).add(sender.query).add(sender.header);
    } else if (!sender.client.empty()) {
        add_basis(Basis::message)
            .add(sender.client)
            .add(sender.packet_id)
            .add(receipt.items)
            .add(text);
        if (!sender.again) row.set_integer(Column::first_sending, 1);
    } else {
        return;
    }
    row.set_integer(Column::id, static_cast<int64_t>(parts.hash()));
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
