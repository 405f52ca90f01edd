#include "tests/support/transaction_sink.h"

#include <algorithm>

#include "pipeline/base/log.h"

namespace rollcall {

Result<Position> TransactionSink::Endpoint::open(const IncarnationId& incarnation) {
    incarnation_ = incarnation;
    complete_moved_table();
    const auto position = position_of(incarnation);
    if (position) position_ = *position;
    return position;
}

Result<Position> TransactionSink::Endpoint::position_of(const IncarnationId& incarnation) {
    if (auto allowed = sink_.before(Point::open); !allowed) return std::unexpected(allowed.error());
    const auto found = sink_.content_.positions.find(incarnation);
    return found == sink_.content_.positions.end() ? Position{} : found->second;
}

Result<void> TransactionSink::Endpoint::write(const Batch& batch) {
    std::vector<size_t> stored;
    if (auto allowed = sink_.before(Point::begin); !allowed) return allowed;
    std::vector<Refusal> refused;
    for (size_t row = 0; row < batch.rows.rows(); ++row) {
        const int64_t seq = batch.rows.integer(row, Column::seq);
        if (sink_.refuses && sink_.refuses(seq))
            refused.push_back({row, DeadReason::constraint, "no"});
        else
            stored.push_back(row);
    }
    if (auto allowed = sink_.before(Point::middle); !allowed) return allowed;
    if (!refused.empty())
        if (auto kept = batch.keep_refused(refused); !kept) return kept;
    if (auto allowed = sink_.before(Point::commit); !allowed) return allowed;
    if (is_replaced()) return fail(Code::sink_down, "the table was replaced");
    Position& position = sink_.content_.positions[incarnation_];
    if (position != position_) return fail(Code::sink_down, "the position has moved");
    for (const size_t row : stored) sink_.store(batch.rows, row);
    position = position_ = batch.position();
    if (sink_.settles && sink_.settles()) sink_.settled_ = sink_.content_;
    log(LogLevel::debug, "a sink stores records {} to {}", batch.first_record, batch.end_record);
    return sink_.before(Point::committed);
}

Result<void> TransactionSink::Endpoint::poll() {
    if (is_replaced()) return fail(Code::sink_down, "the table was replaced");
    return {};
}

uint64_t TransactionSink::Endpoint::settled(uint64_t stored) const {
    if (!sink_.settles) return stored;
    const auto found = sink_.settled_.positions.find(incarnation_);
    return found == sink_.settled_.positions.end() ? 0
                                                   : std::min(stored, found->second.next_record);
}

void TransactionSink::Endpoint::complete_moved_table() {
    if (sink_.orphan_ && table_) sink_.move_away(*sink_.orphan_);
    sink_.orphan_.reset();
    table_ = sink_.tables_;
}

void TransactionSink::replace() {
    log(LogLevel::debug, "the table of a sink is replaced");
    move_away(settled_);
    if (!orphan_) orphan_ = std::move(content_);
    content_ = settled_ = {};
    ++tables_;
}

void TransactionSink::move_away(const Content& table) {
    moved_.insert(table.seqs.begin(), table.seqs.end());
}

void TransactionSink::store(const Columns& rows, size_t row) {
    const int64_t seq = rows.integer(row, Column::seq);
    const std::pair key(rows.integer(row, Column::id),
                        std::string(rows.text(row, Column::site_id)));
    if (!content_.keys.insert(key).second) return;
    if (content_.seqs.contains(seq)) repeated_ = seq;
    content_.seqs.insert(seq);
}

}  // namespace rollcall
