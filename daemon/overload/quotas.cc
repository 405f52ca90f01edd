#include "daemon/overload/quotas.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "daemon/net/network.h"
#include "pipeline/base/hash.h"

namespace rollcall {

namespace {

constexpr double minute_us = 60e6;

int64_t micros(Millis time) { return time.count() * 1000; }

}  // namespace

Quotas::Quotas(const Settings& settings)
    : burst_us_(micros(settings.quotas.burst)),
      grace_us_(micros(settings.quotas.grace)),
      network_bits_v4_(settings.quotas.network_bits_ipv4),
      network_bits_v6_(settings.quotas.network_bits_ipv6),
      rows_(std::max<size_t>(1, settings.quotas.tracked_max / places)),
      buckets_(zeroed<Bucket>(rows_ * places)) {
    const auto& quotas = settings.quotas;
    add_limit(Code::over_site_quota, &Sender::site, Unit::checkins, quotas.site_checkins_max);
    add_limit(Code::over_site_quota, &Sender::site, Unit::bytes, quotas.site_bytes_max.count);
    add_limit(Code::over_tenant_quota, &Sender::tenant, Unit::checkins, quotas.tenant_checkins_max);
    add_limit(Code::over_tenant_quota, &Sender::tenant, Unit::bytes, quotas.tenant_bytes_max.count);
    add_limit(Code::over_network_quota, &Sender::network, Unit::checkins,
              quotas.network_checkins_max);
    add_limit(Code::over_network_quota, &Sender::network, Unit::bytes,
              quotas.network_bytes_max.count);
    limits_sites_ = limits(&Sender::site);
    limits_tenants_ = limits(&Sender::tenant);
    limits_networks_ = limits(&Sender::network);
}

void Quotas::add_limit(Code code, uint64_t Sender::* who, Unit unit, uint64_t per_minute) {
    if (per_minute == 0) return;
    const double us_each = minute_us / static_cast<double>(per_minute);
    // A report is accepted while the burst has room for one more unit. The limit is at least 0, so
    // a sender's first report is always accepted.
    const int64_t ahead_max_us = std::max<int64_t>(0, burst_us_ - std::llround(us_each));
    limits_.push_back({code, who, unit, us_each, ahead_max_us});
}

bool Quotas::limits(uint64_t Sender::* who) const {
    return std::ranges::any_of(limits_, [who](const Limit& limit) { return limit.who == who; });
}

Quotas::Sender Quotas::sender(std::string_view site, std::string_view tenant,
                              std::string_view address) const {
    Sender sender;
    if (limits_sites_ && !site.empty()) sender.site = process_hash(site);
    if (limits_tenants_ && !tenant.empty()) sender.tenant = process_hash(tenant);
    if (limits_networks_) sender.network = network_of(address, network_bits_v4_, network_bits_v6_);
    return sender;
}

// Returns the key of the sender's bucket; 0 if the limit does not apply to the sender.
uint64_t Quotas::key_of(const Limit& limit, const Sender& sender) const {
    const uint64_t who = sender.*limit.who;
    if (who == 0) return 0;
    const auto place = static_cast<uint64_t>(&limit - limits_.data());
    return std::max<uint64_t>(1, (who + place) * 0x9e3779b97f4a7c15);
}

Quotas::Bucket* Quotas::places_of(uint64_t key) const {
    return &buckets_[(key >> 20) % rows_ * places];
}

int64_t Quotas::full_at_us(uint64_t key) const {
    Bucket* const all = places_of(key);
    for (size_t place = 0; place < places; ++place) {
        // relaxed: the numbers of a bucket are independent (quotas.h).
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
        const int64_t over_us = full_at_us(key) - now_us - limit.ahead_max_us;
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
        const auto amount = static_cast<double>(limit.unit == Unit::bytes ? bytes : checkins);
        take(key, std::llround(amount * limit.us_each), now_us);
    }
}

void Quotas::take(uint64_t key, int64_t cost_us, int64_t now_us) {
    // relaxed in all cases, because the numbers of a bucket are independent (quotas.h).
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
