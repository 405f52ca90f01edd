// HealthMessage: the current problem of one part of the daemon, for the log and the status pages.
//
// The text is a clause such as "no broker answers; see kafka.brokers", or empty while the part is
// healthy. A mutex is fast enough, because no check-in passes here.
//
// Threads: one thread sets and clears it; any thread reads it.
#pragma once

#include <mutex>
#include <string>
#include <utility>

namespace rollcall {

class HealthMessage {
public:
    void set(std::string text) {
        const std::lock_guard lock(mutex_);
        text_ = std::move(text);
    }
    void clear() { set({}); }
    // Returns the text, which is empty if nothing is wrong.
    [[nodiscard]] std::string text() const {
        const std::lock_guard lock(mutex_);
        return text_;
    }

private:
    mutable std::mutex mutex_;
    std::string text_;
};

}  // namespace rollcall
