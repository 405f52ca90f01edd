#include "daemon/overload/liveness.h"

#include "pipeline/base/hash.h"

namespace rollcall {

namespace {

// Returns true if `code` reports a fault of the body. Returns false for a fault of the head or of
// the connection; in this case the sender is unknown.
bool is_about_body(Code code) {
    const Source source = info(code).source;
    return source == Source::json || source == Source::body;
}

}  // namespace

void Liveness::refused(Code code, const Sender& sender) {
    if (!is_about_body(code)) return;
    const std::string_view site = intake_.site_without_body(sender);
    if (site.empty()) return;
    if (!intake_.has_room())
        return shard_.add(Metric::liveness_dropped_total, 1, label_of(sender.transport));
    if (!last_seen_.first_in_minute(process_hash(site), sender.received_s())) return;
    intake_.accept_refused(site, sender, code);
    shard_.add(Metric::liveness_rows_total, 1, label_of(sender.transport));
}

}  // namespace rollcall
