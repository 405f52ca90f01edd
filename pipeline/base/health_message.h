// HealthMessage: what one thread has to say to the operator, and the pages that show it.
//
// A sentence such as "sink kafka: no broker answers; see kafka.brokers", or none. It is no part of
// the way of a check-in, so a mutex is good enough.
//
// Threads: any.
#pragma once

#include <mutex>
#include <string>

namespace rollcall {

class HealthMessage {
public:
    void set(std::string text) {
        const std::lock_guard lock(mutex_);
        text_ = std::move(text);
    }
    void clear() { set({}); }
    // Empty: there is none.
    [[nodiscard]] std::string text() const {
        const std::lock_guard lock(mutex_);
        return text_;
    }

private:
    mutable std::mutex mutex_;
    std::string text_;
};

}  // namespace rollcall
