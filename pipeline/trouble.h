// Trouble: what one thread has to say to the operator, and the pages that show it.
//
// A sentence such as "sink kafka: no broker answers; see kafka.brokers", or none. It is no part of
// the way of a check-in, so a mutex is good enough.
//
// Threads: any.
#pragma once

#include <mutex>
#include <string>

namespace rollcall {

class Trouble {
public:
    void say(std::string sentence) {
        const std::lock_guard lock(mutex_);
        sentence_ = std::move(sentence);
    }
    void clear() { say({}); }
    // Empty: there is none.
    [[nodiscard]] std::string sentence() const {
        const std::lock_guard lock(mutex_);
        return sentence_;
    }

private:
    mutable std::mutex mutex_;
    std::string sentence_;
};

}  // namespace rollcall
