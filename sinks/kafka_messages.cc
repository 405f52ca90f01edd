#include "sinks/kafka_messages.h"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>

#include "sinks/tsv.h"

namespace rollcall {

namespace {

// So that what is left of a chunk behind its last row is little.
constexpr size_t chunk_bytes_min = 256 * 1024;

}  // namespace

KafkaMessages::KafkaMessages(size_t rows_max, size_t bytes_max)
    : rows_max_(rows_max), chunk_bytes_(std::max(bytes_max, chunk_bytes_min) + tsv_row_bytes_max) {}

// By partition, unless each row is a message; those of one partition stay in their order.
void KafkaMessages::sort(const Columns& rows, size_t partitions,
                         const std::function<int32_t(std::string_view)>& partition_of) {
    partitions_.resize(rows.rows());
    order_.resize(rows.rows());
    std::vector<size_t> next(partitions + 1);
    for (size_t row = 0; row < rows.rows(); ++row) {
        partitions_[row] = partition_of(rows.text(row, Column::site_id));
        ++next[static_cast<size_t>(partitions_[row]) + 1];
    }
    if (rows_max_ == 1) return std::iota(order_.begin(), order_.end(), 0);
    std::partial_sum(next.begin(), next.end(), next.begin());
    for (size_t row = 0; row < rows.rows(); ++row)
        order_[next[static_cast<size_t>(partitions_[row])]++] = row;
}

void KafkaMessages::give_chunk() {
    if (chunks_used_ == chunks_.size())
        chunks_.push_back(std::make_unique_for_overwrite<char[]>(chunk_bytes_));
    begin_ = at_ = chunks_[chunks_used_++].get();
    end_ = begin_ + chunk_bytes_;
}

// The open message is whole; the next one begins behind it.
void KafkaMessages::close() {
    if (open_rows_ > 0)
        messages_.push_back({{begin_, at_}, rows_max_ == 1 ? key_ : "", partition_});
    begin_ = at_;
    open_rows_ = 0;
}

void KafkaMessages::cut(const Columns& rows, size_t bytes_max, size_t partitions,
                        const std::function<int32_t(std::string_view)>& partition_of) {
    chunks_used_ = 0;
    messages_.clear();
    dead_letters_.clear();
    sort(rows, partitions, partition_of);
    give_chunk();
    for (const size_t row : order_) {
        if (partitions_[row] != partition_) close();
        if (end_ - at_ < static_cast<ptrdiff_t>(tsv_row_bytes_max)) {
            close();
            give_chunk();
        }
        key_ = rows.text(row, Column::site_id);
        partition_ = partitions_[row];
        const auto end = append_tsv(rows, row, at_);
        if (!end) {
            dead_letters_.push_back(
                {row,
                 DeadReason::unwritable,
                 fmt::format("{} {}", info(end.error().column).name, end.error().why),
                 {}});
            continue;
        }
        const auto line_bytes = static_cast<size_t>(*end - at_);
        const bool fits = line_bytes <= bytes_max;
        if (!fits || static_cast<size_t>(*end - begin_) > bytes_max) close();
        if (!fits) {
            dead_letters_.push_back(
                {row,
                 DeadReason::too_large,
                 fmt::format("{} bytes, and a message holds {}", line_bytes, bytes_max),
                 {at_, line_bytes}});
            begin_ = at_ = *end;
            continue;
        }
        at_ = *end;
        if (++open_rows_ == rows_max_) close();
    }
    close();
}

}  // namespace rollcall
