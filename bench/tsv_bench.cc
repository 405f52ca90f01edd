// TSV: the time to write a check-in as a line for Kafka or LOAD DATA.

#include "sinks/text/tsv.h"

#include <fmt/core.h>

#include <memory>

#include "bench/bench.h"
#include "bench/reports.h"

using namespace rollcall;

int main() {
    const Columns rows = reports(1024);
    const auto line = std::make_unique<char[]>(tsv_row_bytes_max);
    uint64_t bytes = 0;
    size_t lines = 0;
    bench("tsv, a line", 2'000'000, [&](size_t items) {
        lines += items;
        for (size_t item = 0; item < items; ++item)
            bytes += static_cast<uint64_t>(
                append_tsv(rows, item % rows.rows(), line.get()).value() - line.get());
        return bytes;
    });
    fmt::print("{:<32} {:>10} bytes/line\n", "", bytes / lines);
}
