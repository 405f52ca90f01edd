#include "daemon/exporter.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>
#include <sstream>

namespace rollcall {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

MetricType type_of(MetricKind kind) {
    switch (kind) {
        case MetricKind::counter: return MetricType::Counter;
        case MetricKind::gauge:
        case MetricKind::ratio: return MetricType::Gauge;
        case MetricKind::histogram: return MetricType::Histogram;
    }
    return MetricType::Untyped;
}

std::vector<ClientMetric::Label> labels_at(Labels labels, size_t place) {
    const auto label = [](const char* name, std::string_view value) {
        return ClientMetric::Label{name, std::string(value)};
    };
    constexpr size_t codes = std::size(code_names);
    constexpr size_t reasons = std::size(dead_reason_names);
    switch (labels) {
        case Labels::none: return {};
        case Labels::transport: return {label("transport", transport_names[place])};
        case Labels::transport_code:
            return {label("transport", transport_names[place / codes]),
                    label("code", code_names[place % codes])};
        case Labels::warning: return {label("code", remark_names[place])};
        case Labels::sink: return {label("sink", sink_names[place])};
        case Labels::sink_reason:
            return {label("sink", sink_names[place / reasons]),
                    label("reason", dead_reason_names[place % reasons])};
        case Labels::pipeline_state: return {label("state", pipeline_state_names[place])};
        case Labels::tls_handshake: return {label("result", tls_handshake_names[place])};
    }
    return {};
}

int64_t sum_cell(const std::vector<const Slab*>& slabs, size_t cell) {
    int64_t total = 0;
    for (const Slab* slab : slabs) total += slab->read(cell);
    return total;
}

ClientMetric::Histogram histogram_at(const std::vector<const Slab*>& slabs, size_t base) {
    constexpr double us_per_second = 1e6;
    ClientMetric::Histogram histogram;
    uint64_t below = 0;
    for (size_t bucket = 0; bucket <= histogram_bounds_us.size(); ++bucket) {
        below += static_cast<uint64_t>(sum_cell(slabs, base + bucket));
        const bool rest = bucket == histogram_bounds_us.size();
        const double bound = rest
                                 ? std::numeric_limits<double>::infinity()
                                 : static_cast<double>(histogram_bounds_us[bucket]) / us_per_second;
        histogram.bucket.push_back({below, bound});
    }
    histogram.sample_count = below;
    histogram.sample_sum =
        static_cast<double>(sum_cell(slabs, base + histogram_bounds_us.size() + 1)) / us_per_second;
    return histogram;
}

// A sink that is not in the settings has never been up, and has never failed either.
bool shown(const std::vector<const Slab*>& slabs, Labels labels, size_t place) {
    if (labels == Labels::sink_reason) place /= std::size(dead_reason_names);
    if (labels != Labels::sink && labels != Labels::sink_reason) return true;
    return sum(slabs, Metric::sink_up, place) > 0 ||
           sum(slabs, Metric::sink_errors_total, place) > 0;
}

MetricFamily family_of(const std::vector<const Slab*>& slabs, size_t number) {
    const MetricInfo& metric = metrics_table[number];
    MetricFamily family;
    family.name = "rollcall_" + std::string(metric.name);
    family.help = metric.help;
    family.type = type_of(metric.kind);
    const size_t base = metric_offsets[number];
    if (metric.kind == MetricKind::histogram) {
        family.metric.emplace_back().histogram = histogram_at(slabs, base);
        return family;
    }
    for (size_t place = 0; place < label_values(metric.labels); ++place) {
        if (!shown(slabs, metric.labels, place)) continue;
        const double unit = metric.kind == MetricKind::ratio ? ratio_one : 1;
        const double value = static_cast<double>(sum_cell(slabs, base + place)) / unit;
        ClientMetric& out = family.metric.emplace_back();
        out.label = labels_at(metric.labels, place);
        out.counter.value = value;
        out.gauge.value = value;
    }
    return family;
}

}  // namespace

int64_t sum(const std::vector<const Slab*>& slabs, Metric metric, size_t label) {
    return sum_cell(slabs, metric_offsets[static_cast<size_t>(metric)] + label);
}

Observed observed(const std::vector<const Slab*>& slabs, Metric histogram) {
    const size_t base = metric_offsets[static_cast<size_t>(histogram)];
    Observed all;
    for (size_t bucket = 0; bucket <= histogram_bounds_us.size(); ++bucket)
        all.count += sum_cell(slabs, base + bucket);
    all.micros = sum_cell(slabs, base + histogram_bounds_us.size() + 1);
    return all;
}

std::string render_metrics(const std::vector<const Slab*>& slabs, std::string_view version) {
    std::vector<MetricFamily> families;
    for (size_t number = 0; number < metrics_count; ++number)
        families.push_back(family_of(slabs, number));

    MetricFamily& build = families.emplace_back();
    build.name = "rollcall_build_info";
    build.help = "Always 1; the label says which version runs.";
    build.type = MetricType::Gauge;
    ClientMetric& info = build.metric.emplace_back();
    info.label = {{"version", std::string(version)}};
    info.gauge.value = 1;

    std::ostringstream page;
    prometheus::TextSerializer().Serialize(page, families);
    return page.str();
}

}  // namespace rollcall
