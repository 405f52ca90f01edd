#include "daemon/net/refusals.h"

#include <mutex>

#include "pipeline/base/error.h"

namespace rollcall {

namespace {

constexpr int64_t minute_us = 60'000'000;

// All threads share one RefusalLog, because the process has one log. A refusal costs one or two
// system calls in any case, so the lock adds little. The lock is not held while a line is written.
std::mutex mutex;
RefusalLog refusal_log;

// Names of the details in a line about one refusal, and in a line that summarizes many.
struct DetailNames {
    std::string_view address, target, site, client;
};
constexpr DetailNames names_in_each{"address", "target", "site", "client"};
constexpr DetailNames names_of_example{"example_address", "example_target", "example_site",
                                       "example_client"};

// Adds the texts of `refused` that are known. The texts are shortened, because a client chooses
// them.
void add_details(const RefusedMessage& refused, const DetailNames& names,
                 std::vector<LogDetail>& details) {
    constexpr size_t shown_max = 256;
    const auto add = [&](std::string_view name, std::string_view text) {
        if (!text.empty()) details.emplace_back(name, text.substr(0, shown_max));
    };
    add(names.address, refused.address);
    add(names.target, refused.target);
    add(names.site, refused.site);
    add(names.client, refused.client);
}

std::string message_of(const RefusedMessage& refused) {
    return fmt::format("refused over {}", to_text(refused.transport));
}

void log_each(const RefusedMessage& refused) {
    LogEvent event{.message = message_of(refused), .details = {{"code", to_text(refused.code)}}};
    add_details(refused, names_in_each, event.details);
    log(LogLevel::debug, event);
}

}  // namespace

std::optional<LogEvent> RefusalLog::note(const RefusedMessage& refused, int64_t now_us) {
    Reason& reason = reasons_[label_of(refused.transport, refused.code)];
    ++reason.refusals;
    if (now_us < reason.next_line_us) return {};
    LogEvent event{.message = message_of(refused),
                   .details = {{"code", to_text(refused.code)}, {"count", reason.refusals}},
                   .note = std::string(info(refused.code).help)};
    add_details(refused, names_of_example, event.details);
    reason = {now_us + minute_us, 0};
    return event;
}

void Refusals::count(const RefusedMessage& refused) {
    shard_.add(Metric::checkins_rejected_total, 1, label_of(refused.transport, refused.code));
    if (!logs(LogLevel::info)) return;
    if (logs(LogLevel::debug)) log_each(refused);
    const int64_t now_us = clock_.steady_us();
    std::optional<LogEvent> event;
    {
        const std::lock_guard lock(mutex);
        event = refusal_log.note(refused, now_us);
    }
    if (event) write_log_line(LogLevel::info, *event);
}

}  // namespace rollcall
