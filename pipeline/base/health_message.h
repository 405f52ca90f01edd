// HealthMessage: the current problem of one part of the daemon, for the log and the status pages.
//
// The text is a clause such as "no broker answers; see kafka.brokers". It is empty while the part
// is healthy. A mutex is fast enough, because check-ins do not use this class.
//
// Threads: one thread sets and clears the message; any thread reads it.
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
    // Returns the text, which is empty if the part is healthy.
    [[nodiscard]] std::string text() const {
        const std::lock_guard lock(mutex_);
        return text_;
    }

private:
    mutable std::mutex mutex_;
    std::string text_;
};

}  // namespace rollcall
