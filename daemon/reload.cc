#include "daemon/reload.h"

#include <utility>

#include "pipeline/base/log.h"

namespace rollcall {

bool ReloadableFiles::begin(Read read) {
    if (const auto done = read(); !done) {
        log(LogLevel::error, "{}", done.error());
        return false;
    }
    all_.push_back({std::move(read), {}});
    return true;
}

void ReloadableFiles::read_again() {
    for (auto& [read, trouble] : all_) {
        const auto done = read();
        trouble = done ? "" : done.error() + "; what was read before stays";
        if (done) continue;
        shard_.add(Metric::reload_errors_total);
        log(LogLevel::error, "{}", trouble);
    }
}

std::vector<std::string> ReloadableFiles::health_messages() const {
    std::vector<std::string> health_messages;
    for (const Files& files : all_)
        if (!files.trouble.empty()) health_messages.push_back(files.trouble);
    return health_messages;
}

}  // namespace rollcall
