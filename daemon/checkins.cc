#include "daemon/checkins.h"

#include <algorithm>

namespace rollcall {

namespace {

constexpr std::string_view adopt_prefix = "/adopt/";
constexpr size_t device_bytes_max = 128;  // As much as the column site_id holds.

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }

}  // namespace

Checkins::Checkins(const Settings& settings, Intake& intake, Replies& replies, const Clock& clock,
                   Slab& slab)
    : paths_{"/v1/checkins", "/poll", "/update", "/config"},
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
        request.device = path.substr(adopt_prefix.size(), device_bytes_max);
    } else if (std::ranges::find(paths_, path) == paths_.end()) {
        return fail(Code::not_found);
    }
    if (head.method != "POST") {
        allow = "POST";
        return fail(Code::method_not_allowed);
    }
    return {};
}

Result<void> Checkins::handle(const HttpRequest& request, std::string_view body,
                              Connection& connection) {
    const auto receipt = intake_.accept(
        body, request.hint, {Transport::http, connection.peer(), request.device, clock_.wall_us()});
    if (!receipt) return std::unexpected(receipt.error());
    connection.reply_when_durable(receipt->slot, clock_.steady_us(),
                                  replies_.accepted(receipt->warnings, request.after));
    return {};
}

void Checkins::refused(Code code) {
    slab_.add(Metric::checkins_rejected_total, 1, label_of(Transport::http, code));
}

}  // namespace rollcall
