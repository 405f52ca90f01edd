#include "daemon/quotas.h"

#include <arpa/inet.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>

#include "pipeline/row_id.h"

namespace rollcall {

namespace {

constexpr double minute_us = 60e6;

double us_each(uint64_t per_minute) {
    return per_minute == 0 ? 0 : minute_us / static_cast<double>(per_minute);
}

int64_t micros(Millis time) { return time.count() * 1000; }

// The first bits of an address, with nothing behind them.
std::string_view cut(uint8_t* address, size_t bytes, size_t bits) {
    const size_t whole = bits / 8;
    if (bits % 8 != 0) address[whole] &= static_cast<uint8_t>(0xff << (8 - bits % 8));
    const size_t used = (bits + 7) / 8;
    std::memset(address + used, 0, bytes - used);
    return {reinterpret_cast<const char*>(address), bytes};
}

}  // namespace

Quotas::Quotas(const Settings& settings)
    : limits_{{{Code::over_site_quota, &Sender::site, false,
                us_each(settings.quotas.site_checkins_max)},
               {Code::over_site_quota, &Sender::site, true,
                us_each(settings.quotas.site_bytes_max.count)},
               {Code::over_tenant_quota, &Sender::tenant, false,
                us_each(settings.quotas.tenant_checkins_max)},
               {Code::over_tenant_quota, &Sender::tenant, true,
                us_each(settings.quotas.tenant_bytes_max.count)},
               {Code::over_network_quota, &Sender::network, false,
                us_each(settings.quotas.network_checkins_max)},
               {Code::over_network_quota, &Sender::network, true,
                us_each(settings.quotas.network_bytes_max.count)}}},
      burst_us_(micros(settings.quotas.burst)),
      grace_us_(micros(settings.quotas.grace)),
      network_bits_v4_(settings.quotas.network_bits_ipv4),
      network_bits_v6_(settings.quotas.network_bits_ipv6),
      limits_sites_(limits(&Sender::site)),
      limits_tenants_(limits(&Sender::tenant)),
      limits_networks_(limits(&Sender::network)),
      rows_(std::max<size_t>(1, settings.quotas.senders_max / places)),
      buckets_(zeroed<Bucket>(rows_ * places)) {}

bool Quotas::limits(uint64_t Sender::* who) const {
    return std::ranges::any_of(
        limits_, [who](const Limit& limit) { return limit.who == who && limit.us_each > 0; });
}

Quotas::Sender Quotas::sender(std::string_view site, std::string_view tenant,
                              std::string_view address) const {
    Sender sender;
    if (limits_sites_ && !site.empty()) sender.site = fingerprint(site, 0);
    if (limits_tenants_ && !tenant.empty()) sender.tenant = fingerprint(tenant, 0);
    if (limits_networks_) sender.network = network_of(address);
    return sender;
}

// Where an address is in, by the lengths that the settings give to networks.
uint64_t Quotas::network_of(std::string_view address) const {
    char text[INET6_ADDRSTRLEN] = {};
    address.copy(text, sizeof text - 1);
    uint8_t bytes[sizeof(in6_addr)] = {};
    if (inet_pton(AF_INET, text, bytes) == 1)
        return fingerprint(cut(bytes, sizeof(in_addr), network_bits_v4_), 0);
    if (inet_pton(AF_INET6, text, bytes) == 1)
        return fingerprint(cut(bytes, sizeof(in6_addr), network_bits_v6_), 0);
    return 0;
}

// 0: the limit does not hold for this sender. Its limits have buckets of their own.
uint64_t Quotas::key_of(const Limit& limit, const Sender& sender) const {
    const uint64_t who = sender.*limit.who;
    if (limit.us_each == 0 || who == 0) return 0;
    const auto place = static_cast<uint64_t>(&limit - limits_.data());
    return std::max<uint64_t>(1, (who + place) * 0x9e3779b97f4a7c15);
}

Quotas::Bucket* Quotas::places_of(uint64_t key) const {
    return &buckets_[(key >> 20) % rows_ * places];
}

int64_t Quotas::full_at_us(uint64_t key) const {
    Bucket* const all = places_of(key);
    for (size_t place = 0; place < places; ++place) {
        // relaxed: lone numbers; see the header.
        if (std::atomic_ref(all[place].whose).load(std::memory_order_relaxed) == key)
            return std::atomic_ref(all[place].full_at_us).load(std::memory_order_relaxed);
    }
    return 0;
}

Quotas::Standing Quotas::standing(const Sender& sender, int64_t now_us) const {
    Standing worst;
    for (const Limit& limit : limits_) {
        const uint64_t key = key_of(limit, sender);
        if (key == 0) continue;
        // Room for one more must be left of the burst, but the first is always taken.
        const int64_t ahead_max_us = std::max<int64_t>(0, burst_us_ - std::llround(limit.us_each));
        const int64_t over_us = full_at_us(key) - now_us - ahead_max_us;
        if (over_us <= worst.over_us) continue;
        worst.over_us = over_us;
        worst.refused_us = std::max<int64_t>(0, over_us - grace_us_);
        worst.code = limit.code;
    }
    return worst;
}

void Quotas::charge(const Sender& sender, size_t checkins, size_t bytes, int64_t now_us) {
    for (const Limit& limit : limits_) {
        const uint64_t key = key_of(limit, sender);
        if (key == 0) continue;
        const auto amount = static_cast<double>(limit.of_bytes ? bytes : checkins);
        take(key, std::llround(amount * limit.us_each), now_us);
    }
}

void Quotas::take(uint64_t key, int64_t cost_us, int64_t now_us) {
    // relaxed, all of them: lone numbers; see the header.
    constexpr auto order = std::memory_order_relaxed;
    Bucket* const all = places_of(key);
    Bucket* fullest = all;
    int64_t earliest_us = INT64_MAX;
    for (size_t place = 0; place < places; ++place) {
        Bucket& bucket = all[place];
        std::atomic_ref full_at(bucket.full_at_us);
        int64_t at_us = full_at.load(order);
        if (std::atomic_ref(bucket.whose).load(order) == key) {
            while (!full_at.compare_exchange_weak(at_us, std::max(at_us, now_us) + cost_us, order));
            return;
        }
        if (at_us < earliest_us) {
            earliest_us = at_us;
            fullest = &bucket;
        }
    }
    std::atomic_ref(fullest->whose).store(key, order);
    std::atomic_ref(fullest->full_at_us).store(now_us + cost_us, order);
}

}  // namespace rollcall
