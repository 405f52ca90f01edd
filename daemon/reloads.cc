#include "daemon/reloads.h"

#include <utility>

#include "pipeline/log.h"

namespace rollcall {

bool Reloads::begin(Read read) {
    if (const auto done = read(); !done) {
        log(LogLevel::error, "{}", done.error());
        return false;
    }
    all_.push_back({std::move(read), {}});
    return true;
}

void Reloads::read_again() {
    for (auto& [read, trouble] : all_) {
        const auto done = read();
        trouble = done ? "" : done.error() + "; what was read before stays";
        if (done) continue;
        slab_.add(Metric::reload_errors_total);
        log(LogLevel::error, "{}", trouble);
    }
}

std::vector<std::string> Reloads::troubles() const {
    std::vector<std::string> troubles;
    for (const Files& files : all_)
        if (!files.trouble.empty()) troubles.push_back(files.trouble);
    return troubles;
}

}  // namespace rollcall
