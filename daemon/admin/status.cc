#include "daemon/admin/status.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>

namespace rollcall {

namespace {

using Json = nlohmann::ordered_json;

constexpr double us_per_ms = 1e3;
constexpr double us_per_second = 1e6;

constexpr std::string_view page_head = R"(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="10">
<style>
body { font: 15px/1.4 system-ui, sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em }
h1 { font-size: 1.4em }
table { border-collapse: collapse }
td, th { border-top: 1px solid #ccc; padding: .2em 1em .2em 0; text-align: left; vertical-align: top }
td.number { text-align: right; white-space: nowrap }
td.help { color: #555 }
.ready { color: #060 }
.trouble { color: #a00 }
</style>
)";

std::string html(std::string_view text) {
    std::string out;
    for (const char letter : text) {
        switch (letter) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            default: out += letter;
        }
    }
    return out;
}

// Formats a duration: "3 d 04:05:06".
std::string duration(int64_t seconds) {
    const auto days = seconds / 86'400;
    const auto rest = seconds % 86'400;
    const std::string clock =
        fmt::format("{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
    return days > 0 ? fmt::format("{} d {}", days, clock) : clock;
}

// Formats a number with separators: "1,234,567".
std::string grouped(int64_t number) {
    const std::string digits = fmt::format("{}", number);
    const size_t first = number < 0 ? 1 : 0;
    std::string out;
    for (size_t at = 0; at < digits.size(); ++at) {
        if (at > first && (digits.size() - at) % 3 == 0) out += ',';
        out += digits[at];
    }
    return out;
}

std::string text_of(const MetricInfo& info, int64_t value) {
    if (info.kind != MetricKind::ratio) return grouped(value);
    return fmt::format("{:.3f}", static_cast<double>(value) / ratio_one);
}

std::string row(std::string_view name, std::string_view value, std::string_view help) {
    return fmt::format(
        "<tr><td>{}</td><td class=\"number\">{}</td><td class=\"help\">{}</td></tr>\n", html(name),
        html(value), html(help));
}

std::string rows_of(const MetricShards& shards, size_t number) {
    const MetricInfo& info = metrics_table[number];
    const auto metric = static_cast<Metric>(number);
    if (info.kind == MetricKind::histogram) {
        const Observed all = observed(shards, metric);
        if (all.count == 0) return {};
        const double mean_us = static_cast<double>(all.micros) / static_cast<double>(all.count);
        return row(info.name, fmt::format("{:.3f} ms on average", mean_us / us_per_ms), info.help);
    }
    std::string rows;
    for (const auto& [labels, value] : values_of(shards, metric)) {
        if (value == 0) continue;
        std::string name(info.name);
        for (const Label& label : labels) name += fmt::format(" {}", label.value);
        rows += row(name, text_of(info, value), info.help);
    }
    return rows;
}

Json json_of(const MetricShards& shards, size_t number) {
    const MetricInfo& info = metrics_table[number];
    const auto metric = static_cast<Metric>(number);
    if (info.kind == MetricKind::histogram) {
        const Observed all = observed(shards, metric);
        return {{"count", all.count}, {"sum", static_cast<double>(all.micros) / us_per_second}};
    }
    Json values = info.labels == Labels::none ? Json() : Json::object();
    for (const auto& [labels, value] : values_of(shards, metric)) {
        Json* at = &values;
        for (const Label& label : labels) at = &(*at)[std::string(label.value)];
        if (info.kind == MetricKind::ratio) {
            *at = static_cast<double>(value) / ratio_one;
        } else {
            *at = value;
        }
    }
    return values;
}

std::string_view state_of(const PipelineStatus& pipeline) {
    if (pipeline.not_singlestore) return "not a SingleStore";
    return pipeline_state_names[label_of(pipeline.state)];
}

std::string line_of(const PipelineStatus& pipeline) {
    std::string line = fmt::format("Pipeline {}: {}", pipeline.pipeline, state_of(pipeline));
    if (!pipeline.not_singlestore)
        line +=
            fmt::format(", {} rows and {} behind, {} messages skipped", grouped(pipeline.lag_rows),
                        duration(pipeline.lag.count()), grouped(pipeline.skipped_messages));
    if (!pipeline.last_error.empty())
        line += fmt::format("; last error {} ago: {}", duration(pipeline.last_error_age.count()),
                            pipeline.last_error);
    return line;
}

Json json_of(const SinkStatus& sink) {
    return {{"state", to_text(sink.state)},
            {"since_seconds", sink.since.count()},
            {"cause", sink.cause},
            {"failed_attempts", sink.failed_attempts},
            {"dead_letters", sink.dead_letters}};
}

Json json_of(const PipelineStatus& pipeline) {
    return {{"name", pipeline.pipeline},
            {"state", state_of(pipeline)},
            {"lag_rows", pipeline.lag_rows},
            {"lag_seconds", pipeline.lag.count()},
            {"skipped_messages", pipeline.skipped_messages},
            {"last_error", pipeline.last_error},
            {"last_error_age_seconds", pipeline.last_error_age.count()}};
}

// Formats a count and its possible error: "1,234", "1,200 to 1,234".
std::string count_text(uint64_t count, uint64_t error) {
    const std::string most = grouped(static_cast<int64_t>(count));
    if (error == 0) return most;
    return fmt::format("{} to {}", grouped(static_cast<int64_t>(count - error)), most);
}

constexpr size_t page_rows_max = 50;

std::string table_of(const std::vector<UnknownKey>& keys) {
    if (keys.empty()) return {};
    std::string table =
        "<h2>Unknown keys</h2>\n<table>\n<tr><th>Key</th><th>Reports</th><th>Value, and the "
        "column with a similar key</th></tr>\n";
    for (const UnknownKey& key : std::span(keys).first(std::min(keys.size(), page_rows_max))) {
        std::string about = key.shape;
        if (key.resembles) about += fmt::format("; like {}", info(*key.resembles).name);
        table += row(key.name, count_text(key.count, key.error), about);
    }
    return table + "</table>\n";
}

std::string table_of(const std::vector<WarnedVersion>& versions) {
    if (versions.empty()) return {};
    std::string table =
        "<h2>Warnings by RouterOS version</h2>\n<table>\n<tr><th>Warning</th><th>Reports</th>"
        "<th>Version</th></tr>\n";
    for (const auto& [warning, version, count, error] :
         std::span(versions).first(std::min(versions.size(), page_rows_max)))
        table += row(warning, count_text(count, error), version.empty() ? "not known" : version);
    return table + "</table>\n";
}

Json json_of(const std::vector<UnknownKey>& keys) {
    Json all = Json::array();
    for (const UnknownKey& key : keys) {
        Json& one = all.emplace_back(Json{
            {"name", key.name}, {"count", key.count}, {"error", key.error}, {"shape", key.shape}});
        if (key.resembles) one["resembles"] = info(*key.resembles).name;
    }
    return all;
}

Json json_of(const std::vector<WarnedVersion>& versions) {
    Json all = Json::array();
    for (const auto& [warning, version, count, error] : versions)
        all.emplace_back(
            Json{{"code", warning}, {"version", version}, {"count", count}, {"error", error}});
    return all;
}

}  // namespace

std::string render_status_page(const Status& status) {
    const bool ready = status.not_ready.empty();
    const std::string state = ready ? "ready" : fmt::format("not ready: {}", status.not_ready);
    std::string page(page_head);
    page += fmt::format("<title>rollcalld: {}</title>\n<h1>rollcalld {}</h1>\n", html(state),
                        html(status.version));
    page += fmt::format("<p class=\"{}\">{}</p>\n", ready ? "ready" : "trouble", html(state));
    if (!status.health_messages.empty()) {
        page += "<ul class=\"trouble\">\n";
        for (const auto& trouble : status.health_messages)
            page += fmt::format("<li>{}</li>\n", html(trouble));
        page += "</ul>\n";
    }
    for (const SinkStatus& sink : status.sinks)
        page += fmt::format("<p>Sink {}: {} for {}.</p>\n", to_text(sink.sink), to_text(sink.state),
                            duration(sink.since.count()));
    if (status.pipeline) page += fmt::format("<p>{}.</p>\n", html(line_of(*status.pipeline)));
    page += fmt::format(
        "<p>Up {}. <a href=\"/metrics\">Metrics</a>, <a href=\"/status.json\">JSON</a>.</p>\n"
        "<table>\n<tr><th>Since start, or now</th><th></th><th></th></tr>\n",
        duration(status.up_s));
    for (size_t number = 0; number < metrics_count; ++number)
        page += rows_of(status.shards, number);
    page += "</table>\n";
    page += table_of(status.observations.unknown_keys);
    page += table_of(status.observations.warned_versions);
    page += "</html>\n";
    return page;
}

std::string render_status_json(const Status& status) {
    Json page = {{"version", status.version}, {"ready", status.not_ready.empty()}};
    if (!status.not_ready.empty()) page["reason"] = status.not_ready;
    page["up_seconds"] = status.up_s;
    page["health_messages"] = status.health_messages;
    Json& sinks = page["sinks"] = Json::object();
    for (const SinkStatus& sink : status.sinks)
        sinks[std::string(to_text(sink.sink))] = json_of(sink);
    if (status.pipeline) page["pipeline"] = json_of(*status.pipeline);
    Json& metrics = page["metrics"] = Json::object();
    for (size_t number = 0; number < metrics_count; ++number)
        metrics[std::string(metrics_table[number].name)] = json_of(status.shards, number);
    page["unknown_keys"] = json_of(status.observations.unknown_keys);
    page["warned_versions"] = json_of(status.observations.warned_versions);
    constexpr int indent = 2;
    return page.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace rollcall
