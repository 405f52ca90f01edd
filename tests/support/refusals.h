// Refusals: records the rows that a sink refuses, as the dead letters of a delivery would. For
// tests of a single sink.
#pragma once

#include <optional>
#include <vector>

#include "pipeline/delivery/sink.h"

namespace rollcall {

struct Refusals {
    std::vector<Refusal> all;
    int calls = 0;
    std::optional<Error> fails;

    Result<void> write(Sink& sink, const Columns& rows, uint64_t end_record) {
        return sink.write({rows, 0, end_record, [this](std::span<const Refusal> refusals) {
                               ++calls;
                               all.assign(refusals.begin(), refusals.end());
                               return fails ? Result<void>(std::unexpected(*fails))
                                            : Result<void>();
                           }});
    }
    // Returns the numbers of the refused rows in the batch.
    [[nodiscard]] std::vector<size_t> rows() const {
        std::vector<size_t> numbers;
        for (const auto& refusal : all) numbers.push_back(refusal.row);
        return numbers;
    }
};

}  // namespace rollcall
