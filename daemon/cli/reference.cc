#include "daemon/cli/reference.h"

#include <fmt/core.h>

#include <string_view>

#include "config/metrics.h"
#include "config/setting_value.h"
#include "config/settings.h"
#include "daemon/admin/metrics_snapshot.h"
#include "pipeline/base/error.h"

namespace rollcall {

namespace {

constexpr std::string_view settings_head = R"(<!-- From config/settings.def; written by
     build/release/rollcalld reference settings > docs/configuration.md -->

# Configuration

`rollcalld` reads `/etc/rollcall/rollcall.toml`, or the file that `--config` names. The file is
TOML 1.0. `--set section.key=value` takes precedence over the file and may be repeated.
`rollcalld settings` prints a complete file with the values in force, and `rollcalld check`
reports every mistake in a settings file, with its line.

A changed value takes effect after a restart. A reload (`systemctl reload rollcalld`, or SIGHUP)
changes no setting. It only reads again the files that `tls.certificate`, `tls.key`,
`tls.client_ca`, `admin.token_file`, `auth.tokens_file`, `auth.signing_keys_file` and
`auth.revoked_file` name.

| type | form | in `--set` |
|---|---|---|
| size | a whole number and a unit: B; KiB, MiB, GiB, TiB or K, M, G, T (powers of 1024); KB, MB, GB, TB (powers of 1000) | `64MiB` |
| duration | a whole number and a unit: ms, s, min (or m), h, d, w | `30s` |
| list | `["a", "b"]`, or `"a"` for a single member | `a,b` |
| table | `{"name" = "value"}` | `name=value,other=value` |

A size or duration without a unit is refused, except 0.
)";

constexpr std::string_view metrics_head = R"(<!-- From config/metrics.def; written by
     build/release/rollcalld reference metrics > docs/metrics.md -->

# Metrics

`GET /metrics` on `admin.listen` returns all metrics in the text format of Prometheus. Counters
start at 0 when the daemon starts. A metric with labels is exported once for each combination of
their values. Sinks that are not in the setting `sinks` are left out.

| metric | type | labels | meaning |
|---|---|---|---|
)";

constexpr std::string_view messages_head =
    R"(<!-- From config/codes.def and config/dead_reasons.def; written by
     build/release/rollcalld reference messages > docs/messages.md -->

# Messages

A refused client receives a code and its sentence. The same code is a label of
`rollcall_checkins_rejected_total`. Clients never receive a code with
the action *halt*, or one about sinks, rows or databases; these codes appear in the log, on the
status pages and in the output of commands, and their HTTP status has no meaning. [troubleshooting.md](troubleshooting.md) explains what to do.

## Codes

The column *action* has three values. *reject*: repeating the same request now does not help.
*retry*: the daemon tries again, or the sender may do so. *halt*: the operator must act. If a
running daemon can no longer store check-ins safely, it exits, and systemd starts it again. If settings or files
are wrong, the daemon exits at its start with status 78, and systemd does not start it again.

| code | HTTP status | action | meaning |
|---|---|---|---|
)";

constexpr std::string_view warnings_head = R"(
## Warnings

An accepted check-in may have warnings. They are stored in its column `warnings` and returned in
the response.

| warning | meaning |
|---|---|
)";

constexpr std::string_view dead_reasons_head = R"(
## Reasons of dead letters

| reason | meaning |
|---|---|
)";

// Returns the text for a table cell.
std::string cell(std::string_view text) {
    std::string escaped;
    for (const char c : text) escaped += c == '|' ? std::string("\\|") : std::string(1, c);
    return escaped;
}

constexpr std::string_view type_of(const Bytes&) { return "size"; }
constexpr std::string_view type_of(const Millis&) { return "duration"; }
constexpr std::string_view type_of(const Count&) { return "number"; }
constexpr std::string_view type_of(const Flag&) { return "true or false"; }
constexpr std::string_view type_of(const Text&) { return "text"; }
constexpr std::string_view type_of(const List&) { return "list"; }
constexpr std::string_view type_of(const Properties&) { return "table"; }

constexpr std::string_view kind_in_words(MetricKind kind) {
    return kind == MetricKind::counter     ? "counter"
           : kind == MetricKind::histogram ? "histogram"
                                           : "gauge";
}

std::string names_of(Labels labels) {
    std::string names;
    for (const auto& [name, value] : labels_at(labels, 0))
        names += fmt::format("{}`{}`", names.empty() ? "" : ", ", name);
    return names;
}

constexpr std::string_view in_words(Action action) {
    switch (action) {
        case Action::reject: return "reject";
        case Action::retry: return "retry";
        case Action::halt: return "halt";
    }
    return "";
}

}  // namespace

std::string settings_reference() {
    std::string document(settings_head);
    const Settings defaults;
    for (const auto& [section, about] : sections_table) {
        document += section == top_section ? fmt::format("\n## Top of the file\n\n{}\n", about)
                                           : fmt::format("\n## [{}]\n\n{}\n", section, about);
        document +=
            "\n| key | type | default | allowed | change | meaning |\n|---|---|---|---|---|---|\n";
        for_each_setting(
            defaults, [&](const SettingInfo& setting, const auto& value, const auto& bounds) {
                if (setting.section != section) return;
                document +=
                    fmt::format("| `{}` | {} | `{}` | {} | {} | {} |\n", setting.key,
                                type_of(value), cell(value_to_toml(value)), cell(bounds.in_words()),
                                to_text(setting.reload), cell(setting.help));
            });
    }
    return document;
}

std::string metrics_reference() {
    std::string document(metrics_head);
    for (const MetricInfo& metric : metrics_table)
        document +=
            fmt::format("| `rollcall_{}` | {} | {} | {} |\n", metric.name,
                        kind_in_words(metric.kind), names_of(metric.labels), cell(metric.help));
    return document;
}

std::string messages_reference() {
    std::string document(messages_head);
    for (size_t code = 0; code < std::size(codes_table); ++code)
        document += fmt::format("| `{}` | {} | {} | {} |\n", code_names[code],
                                codes_table[code].http_status, in_words(codes_table[code].action),
                                cell(codes_table[code].help));
    document += warnings_head;
#define CODE(name, source, action, http_status, help)
#define WARNING(name, help) document += fmt::format("| `{}` | {} |\n", #name, cell(help));
#include "config/codes.def"
#undef CODE
#undef WARNING
    document += dead_reasons_head;
#define REASON(name, help) document += fmt::format("| `{}` | {} |\n", #name, cell(help));
#include "config/dead_reasons.def"
#undef REASON
    return document;
}

}  // namespace rollcall
