#include "daemon/overload/liveness.h"

#include "pipeline/columns/row_id.h"

namespace rollcall {

namespace {

// Is it the body that was refused, or the head and the connection? Of those nothing is known yet.
bool is_for_body(Code code) {
    switch (code) {
        case Code::bad_body:
        case Code::bad_encoding:
        case Code::body_too_large:
        case Code::unsupported_encoding: return true;
        default: return code <= Code::malformed_pairs;  // See codes.def.
    }
}

}  // namespace

void Liveness::refused(Code code, const Sender& sender) {
    if (!is_for_body(code)) return;
    const std::string_view site = intake_.site_beside(sender);
    if (site.empty()) return;
    if (!intake_.has_room())
        return shard_.add(Metric::liveness_lost_total, 1, label_of(sender.transport));
    if (!last_seen_.first_in_minute(fingerprint(site, 0), sender.received_s())) return;
    intake_.accept_refused(site, sender, code);
    shard_.add(Metric::liveness_rows_total, 1, label_of(sender.transport));
}

}  // namespace rollcall
