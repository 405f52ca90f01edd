// Clock: the current time, as an interface that tests replace.
//
// Units: microseconds. wall_us() is UTC since 1970 and may jump; steady_us() never goes back.
#pragma once

#include <chrono>
#include <cstdint>

namespace rollcall {

class Clock {
public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual int64_t wall_us() const {
        return micros(std::chrono::system_clock::now().time_since_epoch());
    }
    [[nodiscard]] virtual int64_t steady_us() const {
        return micros(std::chrono::steady_clock::now().time_since_epoch());
    }

private:
    template <class Duration>
    static int64_t micros(Duration since) {
        return std::chrono::duration_cast<std::chrono::microseconds>(since).count();
    }
};

}  // namespace rollcall
