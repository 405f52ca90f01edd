// KafkaMessages: a batch as lines of TSV, divided into messages. The lines of a message are for one
// partition.
//
//     partition_of(site)   row 0: 1   row 1: 0   row 2: 1   row 3: 1   row 4: 0 ...
//     messages             partition 0: [ row 1 | row 4 ] ...   partition 1: [ row 0 | row 2 ] ...
//
// If each message has one row, the rows keep their order, and the key of a message is the site. If
// messages have several rows, the rows of each partition are contiguous. Such messages have no key.
// A message is full at rows_max rows or bytes_max bytes.
//
// A row that is too large for every message becomes a dead letter. The other rows are stored.
//
// The lines are in chunks (large buffers), which the next cut() overwrites. Until then the views in
// the messages stay valid, so a client library can send from the chunks without copying. The chunks
// hold the lines in the order of the rows, because the columns are read fastest in this order. If
// messages have several rows, the chunks hold the lines a second time, joined into messages. Chunks
// are kept for later batches.
//
// Threads: one. Units: bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/columns/columns.h"

namespace rollcall {

class KafkaMessages {
public:
    struct Message {
        std::string_view lines;
        std::string_view key;  // The site; empty if messages hold several rows.
        int32_t partition;
    };
    struct DeadLetter {
        size_t row;
        DeadReason reason;
        std::string detail;
        std::string_view line;  // Empty if the row cannot be written as TSV.
    };

    // bytes_max: at least as large as the bytes_max of every later cut().
    KafkaMessages(size_t rows_max, size_t bytes_max);

    void cut(const Columns& rows, size_t bytes_max, size_t partitions,
             const std::function<int32_t(std::string_view site)>& partition_of);

    [[nodiscard]] const std::vector<Message>& messages() const { return messages_; }
    [[nodiscard]] const std::vector<DeadLetter>& dead_letters() const { return dead_letters_; }
    [[nodiscard]] size_t memory_bytes() const { return chunks_.size() * chunk_bytes_; }

private:
    void write_lines(const Columns& rows, size_t bytes_max,
                     const std::function<int32_t(std::string_view site)>& partition_of);
    void join_lines(size_t bytes_max, size_t partitions);
    char* room_for(size_t bytes);

    size_t rows_max_;
    size_t chunk_bytes_;
    std::vector<std::unique_ptr<char[]>> chunks_;
    size_t chunks_used_ = 0;
    char* at_ = nullptr;  // Beginning of the free part of the current chunk.
    char* end_ = nullptr;
    std::vector<Message> lines_;  // An entry for each row that is not a dead letter.
    std::vector<Message> messages_;
    std::vector<DeadLetter> dead_letters_;
};

}  // namespace rollcall
