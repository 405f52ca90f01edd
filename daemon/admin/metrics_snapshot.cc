#include "daemon/admin/metrics_snapshot.h"

namespace rollcall {

namespace {

int64_t sum_cell(const MetricShards& shards, size_t cell) {
    int64_t total = 0;
    for (const MetricShard* shard : shards) total += shard->read(cell);
    return total;
}

bool in_use(const MetricShards& shards, Labels labels, size_t place) {
    if (labels == Labels::sink_reason) place /= std::size(dead_reason_names);
    if (labels != Labels::sink && labels != Labels::sink_reason) return true;
    return sum(shards, Metric::sink_up, place) > 0 ||
           sum(shards, Metric::sink_errors_total, place) > 0;
}

}  // namespace

std::vector<Label> labels_at(Labels labels, size_t place) {
    constexpr size_t codes = std::size(code_names);
    constexpr size_t reasons = std::size(dead_reason_names);
    switch (labels) {
        case Labels::none: return {};
        case Labels::transport: return {{"transport", transport_names[place]}};
        case Labels::transport_code:
            return {{"transport", transport_names[place / codes]},
                    {"code", code_names[place % codes]}};
        case Labels::warning: return {{"code", warning_names[place]}};
        case Labels::sink: return {{"sink", sink_names[place]}};
        case Labels::sink_reason:
            return {{"sink", sink_names[place / reasons]},
                    {"reason", dead_reason_names[place % reasons]}};
        case Labels::pipeline_state: return {{"state", pipeline_state_names[place]}};
        case Labels::tls_handshake: return {{"result", tls_handshake_names[place]}};
        case Labels::memory_use: return {{"use", memory_use_names[place]}};
    }
    return {};
}

int64_t sum(const MetricShards& shards, Metric metric, size_t label) {
    return sum_cell(shards, metric_offsets[static_cast<size_t>(metric)] + label);
}

Observed observed(const MetricShards& shards, Metric histogram) {
    const size_t base = metric_offsets[static_cast<size_t>(histogram)];
    Observed all;
    for (size_t bucket = 0; bucket < all.below.size(); ++bucket) {
        all.count += sum_cell(shards, base + bucket);
        all.below[bucket] = all.count;
    }
    all.micros = sum_cell(shards, base + all.below.size());
    return all;
}

std::vector<MetricValue> values_of(const MetricShards& shards, Metric metric) {
    const Labels labels = metrics_table[static_cast<size_t>(metric)].labels;
    std::vector<MetricValue> all;
    for (size_t place = 0; place < label_values(labels); ++place)
        if (in_use(shards, labels, place))
            all.push_back({labels_at(labels, place), sum(shards, metric, place)});
    return all;
}

}  // namespace rollcall
