#include "pipeline/intake.h"

#include <bit>

namespace rollcall {

namespace {

// Without a credential a router is known by what it says of itself, else by where it reports to or
// comes from.
std::string_view site_of(const Columns& row, const Sender& sender) {
    for (const Column column : {Column::serial_number, Column::system_id})
        if (row.has(column)) return row.text(row.rows(), column);
    return sender.device.empty() ? sender.address : sender.device;
}

}  // namespace

Intake::Intake(size_t slots_max, size_t rows_max, size_t text_max, size_t body_bytes_max,
               Doorbell& committer, Slab& slab)
    : ring_(slots_max, rows_max, text_max),
      decoder_(body_bytes_max),
      committer_(committer),
      slab_(slab) {}

Columns* Intake::open_slot() {
    if (open_ != nullptr && open_->room()) return open_;
    if (open_ != nullptr) hand_over();
    open_ = ring_.claim();
    if (open_ != nullptr) open_->clear();
    return open_;
}

Result<Receipt> Intake::accept(std::string_view body, BodyHint hint, const Sender& sender) {
    Columns* const row = open_slot();
    if (row == nullptr) {
        slab_.add(Metric::ring_full_total);
        return fail(Code::ring_full);
    }
    fields_.begin(*row);
    if (const auto decoded = decoder_.decode(body, hint, fields_); !decoded) {
        row->discard_row();
        return std::unexpected(decoded.error());
    }
    const std::string_view warnings = fields_.finish();
    set_envelope(*row, sender);
    row->commit_row();
    for (uint32_t rest = fields_.remarks(); rest != 0; rest &= rest - 1)
        slab_.add(Metric::checkins_warned_total, 1, static_cast<size_t>(std::countr_zero(rest)));
    return Receipt{ring_.next(), warnings};
}

void Intake::set_envelope(Columns& row, const Sender& sender) {
    const std::string_view site = site_of(row, sender);
    row.set_text(Column::site_id, site.substr(0, static_cast<size_t>(info(Column::site_id).high)));
    row.set_integer(Column::received_at, sender.received_us);
    row.set_integer(Column::online, 1);
    row.set_text(Column::transport, to_text(sender.transport));
    row.set_text(Column::source_ip, sender.address);
}

void Intake::hand_over() {
    open_ = nullptr;
    ring_.publish();
    committer_.ring();
}

void Intake::publish() {
    const bool committer_busy = ring_.durable() != ring_.next();
    if (open_ != nullptr && open_->rows() > 0 && !committer_busy) hand_over();
}

}  // namespace rollcall
