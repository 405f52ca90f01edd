#include "config/cross_checks.h"

#include <arpa/inet.h>
#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "config/address_range.h"
#include "config/setting_value.h"

namespace rollcall {

namespace {

using Contradictions = std::vector<Contradiction>;

// --- addresses ---

enum class Reach : uint8_t { loopback, network };

// Returns whether clients can reach a listener at `host` only from this machine (loopback) or also
// over the network. Returns nothing if the host is not IPv4, [IPv6] or localhost.
std::optional<Reach> reach_of_host(const std::string& host) {
    if (host == "localhost") return Reach::loopback;
    in_addr ipv4;
    if (inet_pton(AF_INET, host.c_str(), &ipv4) == 1)
        return ntohl(ipv4.s_addr) >> 24 == 127 ? Reach::loopback : Reach::network;
    in6_addr ipv6;
    if (host.starts_with('[') && host.ends_with(']') &&
        inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &ipv6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&ipv6) ? Reach::loopback : Reach::network;
    return std::nullopt;
}

std::optional<Reach> reach_of(std::string_view address) {
    const size_t colon = address.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto port = value_from_text<Count>(address.substr(colon + 1));
    if (!port || *port > std::numeric_limits<uint16_t>::max()) return std::nullopt;
    return reach_of_host(std::string(address.substr(0, colon)));
}

// Checks the addresses of the setting `name`. refusal: the reason to refuse an address that other
// machines can reach; empty to allow such addresses.
void check_addresses(std::string_view name, const List& addresses, std::string_view refusal,
                     Contradictions& found) {
    for (const Text& address : addresses) {
        const auto reach = reach_of(address);
        if (!reach)
            found.push_back({name, fmt::format("{} is not an address such as 127.0.0.1:8080, "
                                               "[::1]:8080 or localhost:8080",
                                               value_to_toml(address))});
        else if (*reach == Reach::network && !refusal.empty())
            found.push_back({name, fmt::format("{} {}", value_to_toml(address), refusal)});
    }
}

void check_all_addresses(const Settings& settings, Contradictions& found) {
    const bool is_anonymous =
        settings.auth.mode == "anonymous" && !settings.auth.anonymous_anywhere;
    const std::string_view refusal =
        is_anonymous
            ? "accepts anonymous check-ins from other machines; set auth.mode = \"tokens\", "
              "or set auth.anonymous_anywhere if this is intended"
            : "";
    check_addresses("http.listen", settings.http.listen, refusal, found);
    check_addresses("mqtt.listen", settings.mqtt.listen, refusal, found);
    check_addresses("http.tls_listen", settings.http.tls_listen, refusal, found);
    check_addresses("mqtt.tls_listen", settings.mqtt.tls_listen, refusal, found);
    const bool is_open = settings.admin.token_file.empty() && !settings.admin.anonymous_anywhere;
    const std::string_view admin_refusal =
        is_open ? "shows the admin pages to other machines; set admin.token_file, or set "
                  "admin.anonymous_anywhere if this is intended"
                : "";
    check_addresses("admin.listen", settings.admin.listen, admin_refusal, found);
    check_addresses("admin.tls_listen", settings.admin.tls_listen, admin_refusal, found);
}

void check_trusted_proxies(const Settings& settings, Contradictions& found) {
    for (const Text& network : settings.http.trusted_proxies)
        if (!AddressRange::parse(network))
            found.push_back(
                {"http.trusted_proxies", fmt::format("{} is not a network such as 192.0.2.0/24 or "
                                                     "2001:db8::/32, and not an address",
                                                     value_to_toml(network))});
}

bool reaches_network(const Text& address) { return reach_of(address) == Reach::network; }

// --- the other rules ---

void check_auth(const Settings& settings, Contradictions& found) {
    const auto& auth = settings.auth;
    if (auth.mode == "tokens" && auth.tokens_file.empty() && auth.signing_keys_file.empty() &&
        settings.tls.client_ca.empty())
        found.push_back(
            {"auth.mode",
             "\"tokens\" needs auth.tokens_file, auth.signing_keys_file or tls.client_ca"});
}

// Returns true if a topic filter is valid (MQTT 3.1.1, section 4.7.1): + and # must fill a whole
// level, and # must be the last level.
bool is_topic_filter(std::string_view filter) {
    for (size_t at = 0; at <= filter.size();) {
        const size_t end = std::min(filter.find('/', at), filter.size());
        const std::string_view level = filter.substr(at, end - at);
        const bool wild = level.find_first_of("+#") != level.npos;
        if (wild && level.size() > 1) return false;
        if (level == "#" && end != filter.size()) return false;
        at = end + 1;
    }
    return !filter.empty();
}

void check_paths_and_topics(const Settings& settings, Contradictions& found) {
    for (const auto& path : settings.http.paths)
        if (!path.starts_with('/'))
            found.push_back({"http.paths", fmt::format("must begin with /, not \"{}\"", path)});
    for (const auto& filter : settings.mqtt.topics)
        if (!is_topic_filter(filter))
            found.push_back({"mqtt.topics", fmt::format("not a topic filter: \"{}\"", filter)});
}

void check_tls(const Settings& settings, Contradictions& found) {
    const auto& tls = settings.tls;
    if (tls.certificate.size() != tls.key.size())
        found.push_back({"tls.key", "must name one key file for each file in tls.certificate"});
    for (const auto& [name, addresses] : {std::pair("http.tls_listen", settings.http.tls_listen),
                                          std::pair("mqtt.tls_listen", settings.mqtt.tls_listen),
                                          std::pair("admin.tls_listen", settings.admin.tls_listen)})
        if (!addresses.empty() && tls.certificate.empty())
            found.push_back({name, "needs tls.certificate and tls.key"});
}

void check_sinks(const Settings& settings, Contradictions& found) {
    List sinks = settings.general.sinks;
    std::ranges::sort(sinks);
    if (sinks.empty()) found.push_back({"sinks", "must name at least one sink"});
    if (const auto twice = std::ranges::adjacent_find(sinks); twice != sinks.end())
        found.push_back({"sinks", fmt::format("names {} twice", *twice)});
}

void check_kafka(const Settings& settings, Contradictions& found) {
    const auto& kafka = settings.kafka;
    if (kafka.brokers.empty()) found.push_back({"kafka.brokers", "must name at least one broker"});
    if (kafka.sasl_mechanism != "none" && (kafka.user.empty() || kafka.password_file.empty()))
        found.push_back({"kafka.sasl_mechanism", "needs kafka.user and kafka.password_file"});
    if (kafka.tls_certificate.empty() != kafka.tls_key.empty())
        found.push_back({"kafka.tls_certificate", "must be set together with kafka.tls_key"});
}

void check_batches(const Settings& settings, Contradictions& found) {
    const Bytes slot = settings.ingest.slot_text_max;
    if (settings.delivery.batch_text_max < slot)
        found.push_back({"delivery.batch_text_max",
                         fmt::format("must not be smaller than ingest.slot_text_max, which is {}",
                                     to_text(slot))});
}

}  // namespace

std::vector<std::string> plaintext_warnings(const Settings& settings) {
    const bool has_tokens = settings.auth.mode == "tokens";
    const bool has_admin_token = !settings.admin.token_file.empty();
    std::vector<std::string> all;
    const auto warn = [&all](bool has_secret, std::string_view section, const List& addresses) {
        for (const Text& address : addresses)
            if (has_secret && reaches_network(address))
                all.push_back(fmt::format(
                    "{}.listen: tokens travel to {} without encryption; use {}.tls_listen, or a "
                    "proxy that speaks TLS",
                    section, address, section));
    };
    warn(has_tokens, "http", settings.http.listen);
    warn(has_tokens, "mqtt", settings.mqtt.listen);
    warn(has_admin_token, "admin", settings.admin.listen);
    return all;
}

Contradictions contradictions_in(const Settings& settings) {
    Contradictions found;
    for (const auto check :
         {check_all_addresses, check_trusted_proxies, check_auth, check_paths_and_topics, check_tls,
          check_sinks, check_kafka, check_batches})
        check(settings, found);
    return found;
}

}  // namespace rollcall
