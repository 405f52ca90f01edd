// AckTimes: number and total duration of the acknowledgements that one worker has sent. From both
// numbers, the overload controller computes the mean time of the last seconds.
//
// Threads: add() belongs to the worker; any thread may call total().
// Units:   microseconds from reading a check-in to sending its response.
#pragma once

#include <cstdint>

#include "pipeline/base/latest.h"

namespace rollcall {

class AckTimes {
public:
    struct Total {
        int64_t count = 0;
        int64_t time_us = 0;
    };

    void add(int64_t time_us) {
        count_.add(1);
        time_us_.add(time_us);
    }
    [[nodiscard]] Total total() const { return {count_.read(), time_us_.read()}; }

private:
    Latest<int64_t> count_;
    Latest<int64_t> time_us_;
};

}  // namespace rollcall
