// DiscardSink: accepts every batch and stores nothing. This sink is for benchmarks and for trying a
// configuration.
#pragma once

#include "pipeline/delivery/sink.h"

namespace rollcall {

class DiscardSink final : public Sink {
public:
    [[nodiscard]] Result<Position> open(const IncarnationId&) override { return position_; }
    [[nodiscard]] Result<void> write(const Batch& batch) override {
        position_ = batch.position();
        return {};
    }

private:
    Position position_;
};

}  // namespace rollcall
