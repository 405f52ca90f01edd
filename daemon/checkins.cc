#include "daemon/checkins.h"

#include <algorithm>

#include "pipeline/utf8.h"

namespace rollcall {

namespace {

constexpr std::string_view adopt_prefix = "/adopt/";
constexpr size_t device_bytes_max = 128;  // As much as the column site_id holds.

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }

// The fields `X-Vendor-Key: value` of a header, as lines `X-Vendor-Key=value`. Proxies have their
// own, of two words, or beginning with X-Forwarded.
void append_values(std::string_view lines, std::string& out) {
    std::string values;
    while (!lines.empty()) {
        const size_t length = lines.find("\r\n");
        const std::string_view line = lines.substr(0, length);
        lines.remove_prefix(std::min(lines.size(), line.size() + 2));
        const size_t colon = line.find(':');
        if (colon == line.npos || (line[0] | 0x20) != 'x' || line[1] != '-') continue;
        const std::string_view name = line.substr(0, colon);
        if (name.find('-', 2) == name.npos || name.substr(2).starts_with("Forwarded")) continue;
        std::string_view value = line.substr(colon + 1);
        value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
        values.append(name).append("=").append(value).append("\n");
    }
    append_as_utf8(values, out);
}

// A script that polls with a list of pairs runs the text it is answered with.
Dialect dialect_of(const HttpRequest& request, const Receipt& receipt) {
    if (receipt.shape.json_rpc) return Dialect::json_rpc;
    return request.runs_answers && request.hint == BodyHint::text ? Dialect::text
                                                                  : Dialect::canonical;
}

}  // namespace

Checkins::Checkins(const Settings& settings, Intake& intake, Replies& replies, const Clock& clock,
                   Slab& slab)
    : paths_{"/v1/checkins", "/poll", "/update", "/config"},
      body_bytes_max_(settings.http.body_size_max.count),
      batch_bytes_max_(std::max(body_bytes_max_, settings.http.batch_size_max.count)),
      inflater_(batch_bytes_max_),
      intake_(intake),
      replies_(replies),
      clock_(clock),
      slab_(slab) {
    paths_.insert(paths_.end(), settings.http.paths.begin(), settings.http.paths.end());
}

Result<void> Checkins::admit(const HttpHead& head, HttpRequest& request, std::string_view& allow) {
    const std::string_view path = path_of(head.target);
    request.device.clear();
    if (path.starts_with(adopt_prefix) && path.size() > adopt_prefix.size()) {
        append_as_utf8(path.substr(adopt_prefix.size(), device_bytes_max), request.device);
    } else if (std::ranges::find(paths_, path) == paths_.end()) {
        return fail(Code::not_found);
    }
    request.runs_answers = path == "/poll" || path.starts_with(adopt_prefix);
    const std::string_view query =
        head.target.substr(std::min(path.size() + 1, head.target.size()));
    const bool reports_by_query = head.method == "GET" && !query.empty();
    if (head.method != "POST" && !reports_by_query) {
        allow = "POST";
        return fail(Code::method_not_allowed);
    }
    request.query.clear();
    request.header.clear();
    request.idempotency_key = head.idempotency_key;
    append_as_utf8(query, request.query);
    const bool has_body = head.has_length && (head.length > 0 || head.chunked);
    if (!has_body) append_values(head.lines, request.header);
    return {};
}

Result<void> Checkins::handle(HttpRequest& request, std::string_view body, Connection& connection) {
    const Sender sender{Transport::http,        connection.peer(), request.device,
                        clock_.wall_us(),       request.query,     request.header,
                        request.idempotency_key};
    const Receipt& receipt = request.receipt;
    const auto text = plain(request, body);
    if (!text) return std::unexpected(text.error());
    if (auto taken = intake_.accept(*text, request.hint, sender, request.receipt); !taken)
        return taken;
    const auto reply =
        replies_.accepted({receipt.accepted, receipt.items == 1 ? receipt.warnings : "",
                           receipt.refused, dialect_of(request, receipt), receipt.shape.rpc_id},
                          request.after);
    if (receipt.accepted > 0) {
        connection.reply_when_durable(receipt.slot, receipt.accepted, reply);
    } else {
        connection.reply(reply);
    }
    return {};
}

// The body without its encoding. The session has seen to the size of one that has none.
Result<std::string_view> Checkins::plain(const HttpRequest& request, std::string_view body) {
    if (request.encoding == ContentEncoding::identity) return body;
    const auto text = inflater_.inflate(request.encoding, body, batch_bytes_max_);
    if (!text) return text;
    const bool may_be_batch = request.hint == BodyHint::json_lines || opens_list(*text);
    if (text->size() > body_bytes_max_ && !may_be_batch) return fail(Code::body_too_large);
    return text;
}

void Checkins::refused(Code code) {
    slab_.add(Metric::checkins_rejected_total, 1, label_of(Transport::http, code));
}

}  // namespace rollcall
