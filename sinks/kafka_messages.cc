#include "sinks/kafka_messages.h"

#include <fmt/core.h>

#include "sinks/tsv.h"

namespace rollcall {

KafkaMessages::KafkaMessages(size_t rows_max, size_t bytes_max)
    : rows_max_(rows_max), chunk_bytes_(bytes_max + tsv_row_bytes_max) {}

void KafkaMessages::give_chunk(Lane& lane) {
    if (chunks_used_ == chunks_.size())
        chunks_.push_back(std::make_unique_for_overwrite<char[]>(chunk_bytes_));
    lane.begin = lane.at = chunks_[chunks_used_++].get();
    lane.end = lane.begin + chunk_bytes_;
}

// The open message of a lane is whole; the next one begins behind it.
void KafkaMessages::close(Lane& lane, std::string_view key, int32_t partition) {
    if (lane.rows > 0)
        messages_.push_back({{lane.begin, lane.at}, rows_max_ == 1 ? key : "", partition});
    lane.begin = lane.at;
    lane.rows = 0;
}

void KafkaMessages::cut(const Columns& rows, size_t bytes_max, size_t partitions,
                        const std::function<int32_t(std::string_view)>& partition_of) {
    chunks_used_ = 0;
    messages_.clear();
    dead_letters_.clear();
    lanes_.assign(rows_max_ == 1 ? 1 : partitions, Lane{});
    for (size_t row = 0; row < rows.rows(); ++row) {
        const std::string_view site = rows.text(row, Column::site_id);
        const int32_t partition = partition_of(site);
        Lane& lane = lanes_[rows_max_ == 1 ? 0 : static_cast<size_t>(partition)];
        if (lane.end - lane.at < static_cast<ptrdiff_t>(tsv_row_bytes_max)) {
            close(lane, site, partition);
            give_chunk(lane);
        }
        const auto end = append_tsv(rows, row, lane.at);
        if (!end) {
            dead_letters_.push_back(
                {row,
                 DeadReason::unwritable,
                 fmt::format("{} {}", info(end.error().column).name, end.error().why),
                 {}});
            continue;
        }
        const auto line_bytes = static_cast<size_t>(*end - lane.at);
        const bool fits = line_bytes <= bytes_max;
        if (!fits || static_cast<size_t>(*end - lane.begin) > bytes_max)
            close(lane, site, partition);
        if (!fits) {
            dead_letters_.push_back(
                {row,
                 DeadReason::too_large,
                 fmt::format("{} bytes, and a message holds {}", line_bytes, bytes_max),
                 {lane.at, line_bytes}});
            lane.begin = lane.at = *end;
            continue;
        }
        lane.at = *end;
        if (++lane.rows == rows_max_) close(lane, site, partition);
    }
    for (size_t lane = 0; lane < lanes_.size(); ++lane)
        close(lanes_[lane], {}, static_cast<int32_t>(lane));
}

}  // namespace rollcall
