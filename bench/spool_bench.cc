// Spool on a real disk: writes records with a given number of check-ins, and syncs each record
// before it writes the next one.
//
// The spool is in TMPDIR, or in the working directory if TMPDIR is not set. The directory selects
// the disk to measure. The benchmark prints the time of a check-in, MB/s and syncs/s. Dropped
// segments are recycled, as in a daemon whose sinks are fast enough. Another case reads a spool in
// which every second record is damaged, and copies the damaged bytes to the quarantine. The last
// case opens and reads a spool of many segments, as a daemon does at its start.

#include <fmt/core.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>

#include "bench/bench.h"
#include "pipeline/spool/lost_records.h"
#include "pipeline/spool/reader.h"
#include "pipeline/spool/writer.h"

using namespace rollcall;

namespace {

constexpr uint64_t segment_size = 32 << 20;

Columns report(size_t rows) {
    Columns columns(rows, rows * 1024 + row_text_max);
    for (size_t row = 0; row < rows; ++row) {
        for (size_t number = 0; number < columns_count; ++number) {
            const auto column = static_cast<Column>(number);
            if (info(column).kind == Kind::text) continue;
            columns.set_integer(column, static_cast<int64_t>(row * 1000 + number));
        }
        for (const Column column : {Column::site_id, Column::serial_number, Column::identity,
                                    Column::version, Column::board_name, Column::source_ip})
            columns.set_text(column, "a text of a router");
        columns.commit_row();
    }
    return columns;
}

struct Spool {
    explicit Spool(const std::string& directory, uint64_t segment_bytes = segment_size,
                   bool sync = true)
        : writer(files, clock, shard, {directory, uint64_t{1} << 40, segment_bytes, sync, {}}) {
        ensure(writer.open().has_value());
    }
    Files files;
    Clock clock;
    MetricShard shard;
    SpoolWriter writer;
};

void write_synced(const std::string& directory, size_t rows, size_t records) {
    const auto name = fmt::format("spool, {} a sync", rows);
    if (!is_selected(name)) return;
    Spool spool(directory);
    const Columns slot = report(rows);
    double seconds = 0;
    uint64_t syncs = 0;
    bench(name, records * rows, [&](size_t checkins) {
        const auto begin = std::chrono::steady_clock::now();
        for (size_t written = 0; written < checkins; written += rows) {
            ensure(spool.writer.append(slot).has_value());
            ensure(spool.writer.sync().has_value());
            ++syncs;
            ensure(spool.writer.drop(spool.writer.end().read()).has_value());
        }
        seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        return spool.writer.end().read();
    });
    const auto bytes = static_cast<double>(spool.shard.read(Metric::spool_written_bytes_total, 0));
    fmt::print("{:<32} {:>10.1f} MB/s  {:>8.0f} syncs/s\n", "", bytes / 1e6 / seconds,
               static_cast<double>(syncs) / seconds);
}

void read_back(const std::string& directory, size_t rows, size_t records) {
    constexpr std::string_view name = "spool, read back";
    if (!is_selected(name)) return;
    Spool spool(directory);
    const Columns slot = report(rows);
    for (size_t record = 0; record < records; ++record)
        ensure(spool.writer.append(slot).has_value());
    ensure(spool.writer.sync().has_value());
    Columns batch(rows, rows * 1024 + row_text_max);
    bench(name, records * rows, [&](size_t checkins) {
        SpoolReader reader(spool.files, directory, spool.writer.end(), nullptr);
        ensure(reader.seek(0).has_value());
        uint64_t sum = 0;
        for (size_t read = 0; read < checkins; read += rows) {
            const auto record = reader.peek();
            ensure(record && *record);
            batch.clear();
            ensure(batch.append_record((*record)->payload, (*record)->columns_at).value());
            sum += batch.rows();
            reader.advance();
        }
        return sum;
    });
}

// Damages the payload of every second record. Returns the bytes of all segments.
uint64_t damage_every_second_record(Spool& spool, const std::string& directory) {
    uint64_t bytes = 0;
    uint64_t number = 0;
    while (number < spool.writer.end().read()) {
        auto segment = SegmentReader::open(spool.files, directory, number);
        ensure(segment.has_value());
        auto file = spool.files.open(directory + "/" + segment_name(number), Files::Open::existing);
        ensure(file.has_value());
        for (uint64_t at = segment->offset(); segment->skip(number).value(); ++number) {
            constexpr std::array<std::byte, 8> damage{std::byte{0xFF}};
            if (number % 2 == 1) ensure((*file)->write(at + record_head_bytes, damage).has_value());
            at = segment->offset();
        }
        bytes += segment->offset();
    }
    return bytes;
}

void read_damaged(const std::string& directory, size_t records) {
    constexpr uint64_t quarantine_size_max = 1 << 30;
    if (std::getenv("BENCH") == nullptr) records /= 1000;
    const std::string name = fmt::format("spool, {} damaged records", records / 2);
    if (!is_selected(name)) return;
    Spool spool(directory);
    const Columns slot = report(1);
    for (size_t record = 0; record < records; ++record)
        ensure(spool.writer.append(slot).has_value());
    ensure(spool.writer.sync().has_value());
    const uint64_t bytes = damage_every_second_record(spool, directory);
    const auto begin = std::chrono::steady_clock::now();
    const std::clock_t cpu_begin = std::clock();
    LostRecords lost(spool.files, directory, quarantine_size_max, spool.shard);
    SpoolReader reader(spool.files, directory, spool.writer.end(), &lost);
    ensure(reader.seek(0).has_value());
    uint64_t whole = 0;
    while (reader.position() < spool.writer.end().read()) {
        const auto record = reader.peek_bounded();
        ensure(record.has_value());
        if (!*record) continue;
        ++whole;
        reader.advance();
    }
    lost.flush();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    const auto cpu_ticks = static_cast<double>(std::clock() - cpu_begin);
    ensure(whole + lost.records() == records);
    const auto megabytes = static_cast<double>(bytes) / 1e6;
    fmt::print("{:<32} {:>10.1f} ns/item  {:>9} items  {:.1f} MB/s, {:.1f} MB for a CPU second\n",
               name, took.count() * 1e9 / static_cast<double>(records), records,
               megabytes / took.count(), megabytes * CLOCKS_PER_SEC / cpu_ticks);
}

// Opens and reads a spool whose segments have one record each.
void read_short_segments(const std::string& directory, size_t segments) {
    if (std::getenv("BENCH") == nullptr) segments /= 100;
    const std::string name = fmt::format("spool, {} segments of 1 record", segments);
    if (!is_selected(name)) return;
    const Columns slot = report(1);
    {
        Spool spool(directory, segment_head_bytes + 1, false);
        for (size_t record = 0; record < segments; ++record)
            ensure(spool.writer.append(slot).has_value());
        ensure(spool.writer.sync().has_value());
    }
    const auto begin = std::chrono::steady_clock::now();
    const Spool spool(directory, segment_head_bytes + 1, false);
    const std::chrono::duration<double> opened = std::chrono::steady_clock::now() - begin;
    Files files;
    SpoolReader reader(files, directory, spool.writer.end(), nullptr);
    ensure(reader.seek_written(0).has_value());
    size_t read = 0;
    for (; reader.peek().value(); ++read) reader.advance();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    ensure(read == segments);
    fmt::print(
        "{:<32} {:>10.1f} ns/item  {:>9} items  {:.3f} s, {:.3f} s of it to open the writer\n",
        name, took.count() * 1e9 / static_cast<double>(segments), segments, took.count(),
        opened.count());
}

}  // namespace

int main() {
    const char* where = std::getenv("TMPDIR");
    std::string base = std::string(where != nullptr ? where : ".") + "/rollcall-spool-XXXXXX";
    ensure(mkdtemp(base.data()) != nullptr);
    for (const size_t rows : {1, 64, 256, 1024})
        write_synced(fmt::format("{}/{}", base, rows), rows, 2000);
    read_back(base + "/read", 256, 1000);
    read_damaged(base + "/damaged", 2'000'000);
    read_short_segments(base + "/short", 32'767);
    std::filesystem::remove_all(base);
}
