// KafkaMessages: a batch as lines of TSV, cut into messages of one or more lines for one partition.
//
//     partition_of(site)   row 0: 1   row 1: 0   row 2: 1   row 3: 1   row 4: 0 ...
//     messages             [ 1 | 4 ]  [ ...  [ 0 | 2 ]  [ 3 ...
//
// With one row in a message, the rows stay in their order and the key is the site. With more, the
// rows of a partition follow each other; a message is full at rows_max or bytes_max, and has no
// key.
//
// A row that no message can hold becomes a dead letter, and the other rows are stored.
//
// The bytes lie in chunks that the next cut() fills again. Until then the views stay valid, so a
// client library may send from here without a copy. The chunks hold the lines of the largest batch:
// once in the order of the rows (in which the columns are read fast) and, with more rows in a
// message, once more in messages, whatever the number of partitions.
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
        std::string_view key;  // The site; empty if a message holds several rows.
        int32_t partition;
    };
    struct DeadLetter {
        size_t row;
        DeadReason reason;
        std::string detail;
        std::string_view line;  // Empty if the row cannot be written as TSV.
    };

    // bytes_max: upper bound of the same argument of cut().
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
    char* at_ = nullptr;  // Begin of the free part of the chunk, which ends at end_.
    char* end_ = nullptr;
    std::vector<Message> lines_;  // One for each row.
    std::vector<Message> messages_;
    std::vector<DeadLetter> dead_letters_;
};

}  // namespace rollcall
