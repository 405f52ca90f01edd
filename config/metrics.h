// Metrics: the table metrics.def as an enum, and MetricShard, the counters of one thread.
//
// Threads: a MetricShard has one writer, which is the thread for which it was made; any thread may
//          read it. For each scrape, the exporter adds up the shards.
// Units: a metric's name ends with its unit. A histogram observes microseconds, and is exported in
//          seconds. A ratio is set in millionths.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rollcall {

enum class Code : uint8_t {
#define CODE(name, source, action, http_status, help) name,
#define WARNING(name, help)
#include "config/codes.def"
#undef CODE
#undef WARNING
};

enum class Warning : uint8_t {
#define CODE(name, source, action, http_status, help)
#define WARNING(name, help) name,
#include "config/codes.def"
#undef CODE
#undef WARNING
};

enum class Transport : uint8_t { http, mqtt };
enum class SinkName : uint8_t { sqlite, kafka, singlestore, discard };

enum class DeadReason : uint8_t {
#define REASON(name, help) name,
#include "config/dead_reasons.def"
#undef REASON
};

enum class TlsHandshake : uint8_t { full, resumed, failed };
enum class PipelineState : uint8_t { running, stopped, error, missing, unknown };
// The parts of the memory budget (daemon/net/memory_budget.h). Clients can make each of them grow.
enum class MemoryUse : uint8_t { buffers, admin, tls_handshakes, mqtt_messages, wills };

enum class Metric : uint8_t {
#define METRIC(kind, name, labels, help) name,
#include "config/metrics.def"
#undef METRIC
};

enum class MetricKind : uint8_t { counter, gauge, ratio, histogram };
enum class Labels : uint8_t {
    none,
    transport,
    transport_code,
    warning,
    sink,
    sink_reason,
    pipeline_state,
    tls_handshake,
    memory_use
};

inline constexpr std::string_view code_names[] = {
#define CODE(name, source, action, http_status, help) #name,
#define WARNING(name, help)
#include "config/codes.def"
#undef CODE
#undef WARNING
};
inline constexpr std::string_view warning_names[] = {
#define CODE(name, source, action, http_status, help)
#define WARNING(name, help) #name,
#include "config/codes.def"
#undef CODE
#undef WARNING
};
inline constexpr std::string_view transport_names[] = {"http", "mqtt"};
inline constexpr std::string_view sink_names[] = {"sqlite", "kafka", "singlestore", "discard"};

inline constexpr std::string_view dead_reason_names[] = {
#define REASON(name, help) #name,
#include "config/dead_reasons.def"
#undef REASON
};

inline constexpr std::string_view memory_use_names[] = {"buffers", "admin", "tls_handshakes",
                                                        "mqtt_messages", "wills"};
inline constexpr std::string_view tls_handshake_names[] = {"full", "resumed", "failed"};
inline constexpr std::string_view pipeline_state_names[] = {"running", "stopped", "error",
                                                            "missing", "unknown"};

constexpr std::string_view to_text(Code code) { return code_names[static_cast<size_t>(code)]; }
constexpr std::string_view to_text(Warning warning) {
    return warning_names[static_cast<size_t>(warning)];
}
constexpr std::string_view to_text(Transport transport) {
    return transport_names[static_cast<size_t>(transport)];
}
constexpr std::string_view to_text(SinkName sink) { return sink_names[static_cast<size_t>(sink)]; }
constexpr std::string_view to_text(DeadReason reason) {
    return dead_reason_names[static_cast<size_t>(reason)];
}

struct MetricInfo {
    MetricKind kind;
    std::string_view name;
    Labels labels;
    std::string_view help;
};

inline constexpr MetricInfo metrics_table[] = {
#define METRIC(kind, name, labels, help) {MetricKind::kind, #name, Labels::labels, help},
#include "config/metrics.def"
#undef METRIC
};
inline constexpr size_t metrics_count = std::size(metrics_table);

// The value in a shard that represents a ratio of 1.
inline constexpr int64_t ratio_one = 1'000'000;

// Upper bounds of a histogram's buckets in microseconds. One more bucket counts larger values.
inline constexpr std::array<int64_t, 14> histogram_bounds_us = {
    100,    250,    500,     1'000,   2'500,   5'000,     10'000,
    25'000, 50'000, 100'000, 250'000, 500'000, 1'000'000, 5'000'000};

constexpr size_t label_values(Labels labels) {
    switch (labels) {
        case Labels::none: return 1;
        case Labels::transport: return std::size(transport_names);
        case Labels::transport_code: return std::size(transport_names) * std::size(code_names);
        case Labels::warning: return std::size(warning_names);
        case Labels::sink: return std::size(sink_names);
        case Labels::sink_reason: return std::size(sink_names) * std::size(dead_reason_names);
        case Labels::pipeline_state: return std::size(pipeline_state_names);
        case Labels::tls_handshake: return std::size(tls_handshake_names);
        case Labels::memory_use: return std::size(memory_use_names);
    }
    return 0;
}

// Returns the number of cells of a metric. A counter or gauge has one cell for each label value. A
// histogram has a cell for each bucket, one for larger values, and one for the sum.
constexpr size_t cells_of(const MetricInfo& metric) {
    const size_t each =
        metric.kind == MetricKind::histogram ? histogram_bounds_us.size() + 2 : size_t{1};
    return each * label_values(metric.labels);
}

inline constexpr std::array<size_t, metrics_count + 1> metric_offsets = [] {
    std::array<size_t, metrics_count + 1> offsets{};
    for (size_t i = 0; i < metrics_count; ++i)
        offsets[i + 1] = offsets[i] + cells_of(metrics_table[i]);
    return offsets;
}();
inline constexpr size_t metric_cells = metric_offsets[metrics_count];

class MetricShard {
public:
    // label: the index of the label's value in its enum. For a metric with two labels, use
    // label_of() below.
    void add(Metric metric, int64_t amount = 1, size_t label = 0) {
        bump(metric_offsets[static_cast<size_t>(metric)] + label, amount);
    }

    void set(Metric metric, int64_t value, size_t label = 0) {
        // relaxed: no other data depends on this number; readers may see it slightly later.
        cells_[metric_offsets[static_cast<size_t>(metric)] + label].store(
            value, std::memory_order_relaxed);
    }

    void observe(Metric metric, int64_t micros) {
        const size_t base = metric_offsets[static_cast<size_t>(metric)];
        size_t bucket = 0;
        while (bucket < histogram_bounds_us.size() && micros > histogram_bounds_us[bucket])
            ++bucket;
        bump(base + bucket, 1);
        bump(base + histogram_bounds_us.size() + 1, micros);
    }

    [[nodiscard]] int64_t read(size_t cell) const {
        // relaxed: no other data depends on this number.
        return cells_[cell].load(std::memory_order_relaxed);
    }
    [[nodiscard]] int64_t read(Metric metric, size_t label) const {
        return read(metric_offsets[static_cast<size_t>(metric)] + label);
    }

private:
    void bump(size_t cell, int64_t amount) {
        // relaxed twice: there is one writer, so no read-modify-write is needed. Readers may see
        // the value slightly later.
        const int64_t now = cells_[cell].load(std::memory_order_relaxed);
        cells_[cell].store(now + amount, std::memory_order_relaxed);
    }

    std::array<std::atomic<int64_t>, metric_cells> cells_{};
};

constexpr size_t label_of(Transport transport) { return static_cast<size_t>(transport); }
constexpr size_t label_of(Warning warning) { return static_cast<size_t>(warning); }
constexpr size_t label_of(SinkName sink) { return static_cast<size_t>(sink); }
constexpr size_t label_of(SinkName sink, DeadReason reason) {
    return static_cast<size_t>(sink) * std::size(dead_reason_names) + static_cast<size_t>(reason);
}
constexpr size_t label_of(PipelineState state) { return static_cast<size_t>(state); }
constexpr size_t label_of(TlsHandshake handshake) { return static_cast<size_t>(handshake); }
constexpr size_t label_of(MemoryUse use) { return static_cast<size_t>(use); }
constexpr size_t label_of(Transport transport, Code code) {
    return static_cast<size_t>(transport) * std::size(code_names) + static_cast<size_t>(code);
}

}  // namespace rollcall
