// SingleStore sink: compares the sink with LOAD DATA of the mariadb client. The two load the same
// lines into the same tables of one MariaDB server, one after the other.
//
// Needs mariadbd and mariadb. The data is written to TMPDIR, or to /tmp if TMPDIR is not set.

#include "sinks/singlestore/sink.h"

#include <fmt/core.h>

#include <fstream>
#include <string>

#include "bench/bench.h"
#include "bench/reports.h"
#include "sinks/text/tsv.h"
#include "tests/support/mariadb_server.h"

using namespace rollcall;

namespace {

constexpr size_t rows_total = 200'000;
constexpr size_t batch_rows = 16'384;  // The default of delivery.batch_rows_max.

uint64_t by_sink(const MariadbServer& server, size_t rows, size_t in_batches_of) {
    server.make_tables();
    const Settings settings = server.settings();
    SinglestoreSink sink(settings);
    ensure(sink.open({}).has_value());
    uint64_t record = 0;
    for (size_t from = 0; from < rows; from += in_batches_of, ++record) {
        const Columns batch =
            reports(std::min(in_batches_of, rows - from), static_cast<int64_t>(from));
        ensure(sink.write({batch, record, record + 1}).has_value());
    }
    return std::stoull(server.ask("SELECT COUNT(*) FROM site_checkins"));
}

void write_lines(const std::string& path, size_t rows) {
    std::ofstream file(path, std::ios::binary);
    std::string line(tsv_row_bytes_max, ' ');
    const Columns all = reports(rows);
    for (size_t row = 0; row < rows; ++row)
        file.write(line.data(), append_tsv(all, row, line.data()).value() - line.data());
}

uint64_t by_client(const MariadbServer& server, const std::string& path) {
    server.make_tables();
    const auto loaded =
        run({"mariadb", "--no-defaults", "--local-infile=1", "--host=127.0.0.1", "--user=root",
             "--port=" + std::to_string(server.port()), "rollcall",
             "--execute=SET NAMES utf8mb4; LOAD DATA LOCAL INFILE '" + path +
                 "' INTO TABLE site_checkins CHARACTER SET utf8mb4 " + load_clauses()});
    ensure(loaded.status == 0);
    return std::stoull(server.ask("SELECT COUNT(*) FROM site_checkins"));
}

}  // namespace

int main() {
    const MariadbServer server({"--innodb-buffer-pool-size=512M"});
    const std::string path = server.directory().path() / "lines.tsv";
    bench("mariadb client, LOAD DATA", rows_total, [&, written = size_t{0}](size_t rows) mutable {
        if (written != rows) write_lines(path, written = rows);
        return by_client(server, path);
    });
    bench("singlestore sink, one batch", rows_total,
          [&](size_t rows) { return by_sink(server, rows, rows); });
    bench("singlestore sink, 16384 a batch", rows_total,
          [&](size_t rows) { return by_sink(server, rows, batch_rows); });
}
