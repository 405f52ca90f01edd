#include "daemon/admin/metrics_export.h"

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

ClientMetric::Histogram histogram_of(const MetricShards& shards, Metric metric) {
    constexpr double us_per_second = 1e6;
    const Observed all = observed(shards, metric);
    ClientMetric::Histogram histogram;
    for (size_t bucket = 0; bucket < all.below.size(); ++bucket) {
        const bool rest = bucket == histogram_bounds_us.size();
        const double bound = rest
                                 ? std::numeric_limits<double>::infinity()
                                 : static_cast<double>(histogram_bounds_us[bucket]) / us_per_second;
        histogram.bucket.push_back({static_cast<uint64_t>(all.below[bucket]), bound});
    }
    histogram.sample_count = static_cast<uint64_t>(all.count);
    histogram.sample_sum = static_cast<double>(all.micros) / us_per_second;
    return histogram;
}

MetricFamily family_of(const MetricShards& shards, size_t number) {
    const MetricInfo& info = metrics_table[number];
    const auto metric = static_cast<Metric>(number);
    MetricFamily family;
    family.name = "rollcall_" + std::string(info.name);
    family.help = info.help;
    family.type = type_of(info.kind);
    if (info.kind == MetricKind::histogram) {
        family.metric.emplace_back().histogram = histogram_of(shards, metric);
        return family;
    }
    const double unit = info.kind == MetricKind::ratio ? ratio_one : 1;
    for (const auto& [labels, value] : values_of(shards, metric)) {
        ClientMetric& out = family.metric.emplace_back();
        for (const auto& [name, text] : labels)
            out.label.push_back({std::string(name), std::string(text)});
        out.counter.value = out.gauge.value = static_cast<double>(value) / unit;
    }
    return family;
}

// Converts a page from the text format to OpenMetrics, which the library does not write. Apart from
// the end mark, only the description lines change: "# HELP name words" and "# TYPE name counter".
std::string as_openmetrics(const std::string& text) {
    constexpr std::string_view total = "_total ";
    std::string page;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("# ")) {
            const size_t name = line.find(' ', 2) + 1;
            const size_t name_end = line.find(' ', name) + 1;
            if (std::string_view(line).substr(0, name_end).ends_with(total))
                line.erase(name_end - total.size(), total.size() - 1);
            for (size_t quote = line.find('"'); quote != line.npos;
                 quote = line.find('"', quote + 2))
                line.insert(quote, 1, '\\');
        }
        page += line + "\n";
    }
    return page + "# EOF\n";
}

}  // namespace

std::string render_metrics(const MetricShards& shards, std::string_view version,
                           MetricsFormat format) {
    std::vector<MetricFamily> families;
    for (size_t number = 0; number < metrics_count; ++number)
        families.push_back(family_of(shards, number));

    MetricFamily& build = families.emplace_back();
    build.name = "rollcall_build_info";
    build.help = "Always 1; the label names the version.";
    build.type = MetricType::Gauge;
    ClientMetric& info = build.metric.emplace_back();
    info.label = {{"version", std::string(version)}};
    info.gauge.value = 1;

    std::ostringstream page;
    prometheus::TextSerializer().Serialize(page, families);
    return format == MetricsFormat::text ? page.str() : as_openmetrics(page.str());
}

}  // namespace rollcall
