#include "tests/support/transaction_sink.h"

#include "pipeline/base/log.h"

namespace rollcall {

Result<uint64_t> TransactionSink::Endpoint::open(const SpoolId& spool) {
    spool_ = spool;
    if (auto allowed = sink_.before(Point::open); !allowed) return std::unexpected(allowed.error());
    return sink_.positions_[spool];
}

Result<void> TransactionSink::Endpoint::write(const Batch& batch) {
    std::vector<int64_t> seqs;
    if (auto allowed = sink_.before(Point::begin); !allowed) return allowed;
    std::vector<Refusal> refused;
    for (size_t row = 0; row < batch.rows.rows(); ++row) {
        const int64_t seq = batch.rows.integer(row, Column::seq);
        if (sink_.refuses && sink_.refuses(seq))
            refused.push_back({row, DeadReason::constraint, "no"});
        else
            seqs.push_back(seq);
    }
    if (auto allowed = sink_.before(Point::middle); !allowed) return allowed;
    if (!refused.empty())
        if (auto kept = batch.keep_refused(refused); !kept) return kept;
    if (auto allowed = sink_.before(Point::commit); !allowed) return allowed;
    sink_.store(seqs);
    sink_.positions_[spool_] = batch.end_record;
    log(LogLevel::debug, "a sink stores records {} to {}", batch.first_record, batch.end_record);
    return sink_.before(Point::committed);
}

void TransactionSink::store(const std::vector<int64_t>& seqs) {
    for (const int64_t seq : seqs)
        if (!seqs_.insert(seq).second) repeated_ = seq;
}

}  // namespace rollcall
