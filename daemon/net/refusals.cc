#include "daemon/net/refusals.h"

#include <mutex>

#include "pipeline/base/error.h"
#include "pipeline/base/log.h"

namespace rollcall {

namespace {

constexpr LogLevel level = LogLevel::info;
constexpr int64_t minute_us = 60'000'000;

// All threads share one RefusalLog, because the process has one log. A refusal costs a system call
// or two anyway, so the lock adds little. No line is written while the lock is held.
std::mutex mutex;
RefusalLog refusal_log;

}  // namespace

std::string RefusalLog::note(Transport transport, Code code, std::string_view peer,
                             int64_t now_us) {
    Reason& reason = reasons_[label_of(transport, code)];
    ++reason.refusals;
    if (now_us < reason.next_line_us) return {};
    std::string line = fmt::format("refused over {}: code={} count={} example_address={}: {}",
                                   to_text(transport), to_text(code), reason.refusals,
                                   peer.empty() ? "unknown" : peer, info(code).help);
    reason = {now_us + minute_us, 0};
    return line;
}

void Refusals::count(Transport transport, Code code, std::string_view peer) {
    shard_.add(Metric::checkins_rejected_total, 1, label_of(transport, code));
    if (!logs(level)) return;
    const int64_t now_us = clock_.steady_us();
    std::string line;
    {
        const std::lock_guard lock(mutex);
        line = refusal_log.note(transport, code, peer, now_us);
    }
    if (!line.empty()) write_log_line(level, line);
}

}  // namespace rollcall
