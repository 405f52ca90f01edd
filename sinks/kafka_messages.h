// Kafka messages: a batch as lines of TSV, some of them in each message, for one partition each.
//
//     batch   row 0  row 1  row 2  row 3 ...
//               |      |      |      |          partition_of(site)
//     lane 0  [ 0 | 2 ] [ ...                   a message is full at rows_max or bytes_max
//     lane 1  [ 1 | 3 ] [ ...
//
// With one row in a message the rows stay in their order and the key is the site; with more, each
// partition has a lane in which its messages grow, and there is no key.
//
// A row that no message can hold becomes a dead letter and keeps no other row from being stored.
//
// The bytes lie in chunks that are filled again by the next cut(); until then the views stay valid,
// so a client library may send from here and needs no copy.
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

#include "pipeline/columns.h"

namespace rollcall {

class KafkaMessages {
public:
    struct Message {
        std::string_view lines;
        std::string_view key;  // The site, or empty.
        int32_t partition;
    };
    struct DeadLetter {
        size_t row;
        DeadReason reason;
        std::string detail;
        std::string_view line;  // Empty if the row cannot be written as TSV.
    };

    // bytes_max: the most that cut() is ever asked for.
    KafkaMessages(size_t rows_max, size_t bytes_max);

    void cut(const Columns& rows, size_t bytes_max, size_t partitions,
             const std::function<int32_t(std::string_view site)>& partition_of);

    [[nodiscard]] const std::vector<Message>& messages() const { return messages_; }
    [[nodiscard]] const std::vector<DeadLetter>& dead_letters() const { return dead_letters_; }

private:
    struct Lane {
        char* begin = nullptr;  // Of the open message.
        char* at = nullptr;
        char* end = nullptr;  // Of the chunk.
        size_t rows = 0;
    };

    void give_chunk(Lane& lane);
    void close(Lane& lane, std::string_view key, int32_t partition);

    size_t rows_max_;
    size_t chunk_bytes_;
    std::vector<std::unique_ptr<char[]>> chunks_;
    size_t chunks_used_ = 0;
    std::vector<Lane> lanes_;
    std::vector<Message> messages_;
    std::vector<DeadLetter> dead_letters_;
};

}  // namespace rollcall
