// SpoolFixture: a spool on a disk in memory, for tests of its writers and readers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/columns/columns.h"
#include "pipeline/spool/reader.h"
#include "pipeline/spool/writer.h"
#include "tests/support/manual_clock.h"
#include "tests/support/memory_files.h"
#include "tests/support/rows.h"

namespace rollcall {

inline constexpr uint64_t small_segment = 8192;  // Bytes; room for about 30 records of one row.

struct SpoolFixture {
    SpoolFixture() { open(); }

    // Opens a new writer for the contents of the disk, like a start of the daemon.
    Result<void> open() {
        writer.reset();
        lost_records.emplace(files, "spool", 1 << 20, shard);
        writer = std::make_unique<SpoolWriter>(
            files, clock, shard,
            SpoolWriter::Options{"spool", size_max, segment_size, true, kept_for, has_runs});
        return writer->open();
    }

    Result<void> append(int64_t seq) { return writer->append(one_row("S", seq)); }

    void append_and_sync(int64_t first_seq, int64_t count) {
        for (int64_t seq = first_seq; seq < first_seq + count; ++seq)
            if (!append(seq)) throw std::runtime_error("append");
        if (!writer->sync()) throw std::runtime_error("sync");
    }

    [[nodiscard]] SpoolReader reader() const {
        return SpoolReader(const_cast<MemoryFiles&>(files), "spool", writer->end(),
                           const_cast<LostRecords*>(&*lost_records));
    }

    // Returns the seq of every row, beginning with the record `number`.
    [[nodiscard]] std::vector<int64_t> read_from(uint64_t number) const {
        SpoolReader from = reader();
        if (!from.seek(number)) throw std::runtime_error("seek");
        std::vector<int64_t> seqs;
        for (;;) {
            const auto record = from.peek();
            if (!record) throw std::runtime_error("peek");
            if (!*record) return seqs;
            Columns rows((*record)->rows, test_text_max);
            if (!rows.append_record((*record)->payload, (*record)->columns_at).value_or(false))
                throw std::runtime_error("append_record");
            for (size_t row = 0; row < rows.rows(); ++row)
                seqs.push_back(rows.integer(row, Column::seq));
            from.advance();
        }
    }

    // Appends records to one new segment and damages the payload of each `step`th of the first
    // `damaged` records.
    void append_damaged(int64_t count, int64_t damaged, int64_t step) {
        segment_size = 4 << 20;
        size_max = 64 << 20;
        if (!open()) throw std::runtime_error("open");
        append_and_sync(0, count);
        const uint64_t each = writer->bytes_from(0) / static_cast<uint64_t>(count);
        for (int64_t number = 0; number < damaged; number += step)
            files.flip(last_segment(),
                       segment_head_bytes + static_cast<uint64_t>(number) * each + 60);
    }

    // Operations on the disk since count_operations() was called.
    struct Operations {
        size_t lists = 0;
        size_t opens = 0;
    };
    void count_operations(Operations& counted) {
        files.before = [&](MemoryFiles::Operation operation, const std::string&) -> Result<void> {
            counted.lists += operation == MemoryFiles::Operation::list;
            counted.opens += operation == MemoryFiles::Operation::open;
            return {};
        };
    }

    // Limits the disk so that `bytes` bytes are free after the last record. Removes preallocated
    // space.
    void fill_disk_but_for(uint64_t bytes) {
        files.cut(last_segment(), files.content_size(last_segment()));
        files.capacity = files.used() + bytes;
    }

    // Returns the numbers of the segments' first records, in order.
    [[nodiscard]] std::vector<uint64_t> first_records() const {
        std::vector<uint64_t> numbers;
        for (const auto& name : files.names("spool"))
            if (const auto number = segment_first_record(name)) numbers.push_back(*number);
        return numbers;
    }
    [[nodiscard]] std::vector<std::string> segments() const {
        std::vector<std::string> paths;
        for (const uint64_t number : first_records())
            paths.push_back("spool/" + segment_name(number));
        return paths;
    }
    [[nodiscard]] std::string last_segment() const { return segments().back(); }

    MemoryFiles files;
    ManualClock clock;
    MetricShard shard;
    std::optional<LostRecords> lost_records;
    uint64_t segment_size = small_segment;
    uint64_t size_max = 64 * small_segment;
    std::chrono::milliseconds kept_for{0};
    bool has_runs = false;
    std::unique_ptr<SpoolWriter> writer;
};

inline std::vector<int64_t> sequence(int64_t first, int64_t count) {
    std::vector<int64_t> numbers;
    for (int64_t i = 0; i < count; ++i) numbers.push_back(first + i);
    return numbers;
}

}  // namespace rollcall
