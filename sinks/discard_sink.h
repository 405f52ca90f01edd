// DiscardSink: accepts every batch and keeps nothing. For benchmarks and to try a configuration.
#pragma once

#include <algorithm>

#include "pipeline/delivery/sink.h"

namespace rollcall {

class DiscardSink final : public Sink {
public:
    [[nodiscard]] Result<uint64_t> open(const SpoolId&) override { return end_; }
    [[nodiscard]] Result<void> write(const Batch& batch) override {
        end_ = std::max(end_, batch.end_record);
        return {};
    }

private:
    uint64_t end_ = 0;
};

}  // namespace rollcall
