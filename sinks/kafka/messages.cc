#include "sinks/kafka/messages.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "sinks/text/tsv.h"

namespace rollcall {

namespace {

// Large enough that the unused rest after a chunk's last row is small.
constexpr size_t chunk_bytes_min = 256 * 1024;

}  // namespace

KafkaMessages::KafkaMessages(size_t rows_max, size_t bytes_max)
    : rows_max_(rows_max), chunk_bytes_(std::max(bytes_max, chunk_bytes_min) + tsv_row_bytes_max) {}

// Returns an address with `bytes` free bytes. Begins a new chunk if the current one is too full.
char* KafkaMessages::room_for(size_t bytes) {
    if (end_ - at_ >= static_cast<ptrdiff_t>(bytes)) return at_;
    if (chunks_used_ == chunks_.size())
        chunks_.push_back(std::make_unique_for_overwrite<char[]>(chunk_bytes_));
    at_ = chunks_[chunks_used_++].get();
    end_ = at_ + chunk_bytes_;
    return at_;
}

void KafkaMessages::write_lines(const Columns& rows, size_t bytes_max,
                                const std::function<int32_t(std::string_view)>& partition_of) {
    for (size_t row = 0; row < rows.rows(); ++row) {
        char* const begin = room_for(tsv_row_bytes_max);
        const auto end = append_tsv(rows, row, begin);
        if (!end) {
            dead_letters_.push_back(
                {row, DeadReason::not_representable, describe(end.error()), {}});
            continue;
        }
        at_ = *end;
        const std::string_view line(begin, at_);
        const std::string_view site = rows.text(row, Column::site_id);
        if (line.size() <= bytes_max)
            lines_.push_back({line, site, partition_of(site)});
        else
            dead_letters_.push_back(
                {row, DeadReason::too_large,
                 fmt::format("the row has {} bytes, but a message may have only {}", line.size(),
                             bytes_max),
                 line});
    }
}

// Joins the lines of each partition into messages. The lines keep their order.
void KafkaMessages::join_lines(size_t bytes_max, size_t partitions) {
    std::vector<size_t> next(partitions + 1);
    for (const Message& line : lines_) ++next[static_cast<size_t>(line.partition) + 1];
    std::partial_sum(next.begin(), next.end(), next.begin());
    std::vector<const Message*> order(lines_.size());
    for (const Message& line : lines_) order[next[static_cast<size_t>(line.partition)]++] = &line;
    size_t rows = rows_max_;  // Number of rows in the last message.
    for (const Message* line : order) {
        const size_t bytes = line->lines.size();
        char* const begin = room_for(bytes);
        std::memcpy(begin, line->lines.data(), bytes);
        at_ = begin + bytes;
        Message* const last = messages_.empty() ? nullptr : &messages_.back();
        if (rows < rows_max_ && last->partition == line->partition && last->lines.end() == begin &&
            last->lines.size() + bytes <= bytes_max) {
            last->lines = {last->lines.data(), last->lines.size() + bytes};
            ++rows;
        } else {
            messages_.push_back({{begin, bytes}, {}, line->partition});
            rows = 1;
        }
    }
}

void KafkaMessages::cut(const Columns& rows, size_t bytes_max, size_t partitions,
                        const std::function<int32_t(std::string_view)>& partition_of) {
    chunks_used_ = 0;
    at_ = end_ = nullptr;
    lines_.clear();
    messages_.clear();
    dead_letters_.clear();
    write_lines(rows, bytes_max, partition_of);
    if (rows_max_ == 1)
        messages_.swap(lines_);
    else
        join_lines(bytes_max, partitions);
}

}  // namespace rollcall
