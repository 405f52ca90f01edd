// Reports: batches of check-ins with the 25 values of decode_bench's JSON; about 250 bytes each as
// TSV. All check-ins are different.
#pragma once

#include <fmt/core.h>

#include <cstdint>

#include "pipeline/columns/columns.h"

namespace rollcall {

inline void add_report(Columns& rows, int64_t number, int64_t received_us) {
    const auto serial = fmt::format("D4420F{:06X}", number);
    rows.set_integer(Column::id, (int64_t{1} << 53) + number);
    rows.set_text(Column::site_id, serial);
    rows.set_integer(Column::received_at, received_us + number * 100);
    rows.set_integer(Column::online, 1);
    rows.set_text(Column::transport, "http");
    rows.set_text(Column::source_ip, "100.72.14.9");
    rows.set_text(Column::identity, "JHB-Sandton-7");
    rows.set_text(Column::serial_number, serial);
    rows.set_text(Column::model, "RB3011UiAS-RM");
    rows.set_text(Column::board_name, "RB3011UiAS");
    rows.set_text(Column::arch, "arm");
    rows.set_text(Column::version, "7.17");
    rows.set_text(Column::channel, "stable");
    rows.set_text(Column::firmware_current, "7.17");
    rows.set_integer(Column::uptime_s, 602'363 + number);
    rows.set_integer(Column::cpu_count, 2);
    rows.set_integer(Column::cpu_load, number % 100);
    rows.set_integer(Column::cpu_freq_mhz, 1400);
    rows.set_integer(Column::mem_total, 1'073'741'824);
    rows.set_integer(Column::mem_free, 973'053'952 - number);
    rows.set_real(Column::mem_used_pct, static_cast<double>(number % 10'000) / 100);
    rows.set_integer(Column::disk_total, 134'217'728);
    rows.set_integer(Column::disk_free, 92'110'848);
    rows.set_real(Column::bad_blocks_pct, 0.2);
    rows.set_real(Column::temp_c, 41);
    rows.set_real(Column::cpu_temp_c, 52);
    rows.set_real(Column::voltage_v, 24.1);
    rows.set_real(Column::power_w, 50.8);
    rows.set_text(Column::wan_ip, "100.72.14.9");
    rows.set_integer(Column::dhcp_leases, 23);
    rows.set_integer(Column::seq, number);
    rows.set_integer(Column::reported_at, received_us - 1'000'000);
    rows.commit_row();
}

// Returns `count` reports, numbered from `first`.
inline Columns reports(size_t count, int64_t first = 0) {
    Columns rows(count, count * 256 + row_text_max);
    for (size_t i = 0; i < count; ++i)
        add_report(rows, first + static_cast<int64_t>(i), 1'790'000'000'000'000);
    return rows;
}

}  // namespace rollcall
