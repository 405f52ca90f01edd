#include "daemon/reload.h"

#include <utility>

#include "pipeline/base/log.h"

namespace rollcall {

Result<void> ReloadableFiles::add(Read read) {
    if (auto done = read(); !done) return done;
    all_.push_back({std::move(read), {}});
    return {};
}

void ReloadableFiles::read_again() {
    for (auto& [read, health_message] : all_) {
        const auto done = read();
        health_message = done ? "" : describe(done.error()) + "; what was read before stays";
        if (done) continue;
        shard_.add(Metric::reload_errors_total);
        log(LogLevel::error, "{}", health_message);
    }
}

std::vector<std::string> ReloadableFiles::health_messages() const {
    std::vector<std::string> messages;
    for (const Files& files : all_)
        if (!files.health_message.empty()) messages.push_back(files.health_message);
    return messages;
}

}  // namespace rollcall
