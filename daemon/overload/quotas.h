// Quotas: limits how much a site, a tenant and a network may send, with one token bucket for each
// sender and limit.
//
//     limit     check-ins or bytes a minute, of each site, each tenant, each network
//     bucket    [ hash of the sender        | time at which the bucket is full again ]
//
//     time until the bucket is full     a report is
//         up to quotas.burst            accepted
//         up to quotas.burst + grace    accepted, and the sender, which is over its limit, is asked
//                                       to report later
//         longer                        refused, with the time at which to retry
//
// A bucket is stored as a single time. If a limit allows r check-ins or bytes a minute, a report
// with n of them moves the time n / r minutes into the future. A bucket whose time is past is full.
// A full bucket need not be stored, so the table holds only recent senders. A sender can use any of
// 4 entries in the table. If other senders occupy all 4 entries, the new sender replaces the sender
// whose bucket is full soonest. The replaced sender starts again with a full bucket.
//
// A report that a quota refuses is not charged. So a sender that never pauses still gets its
// allowed rate.
//
// Source: the virtual scheduling algorithm (GCRA), ITU-T I.371, Annex A.
// Threads: any; all workers share one object. The two numbers of a bucket are atomics with relaxed
// order; each number is valid on its own. If two threads give one entry to two senders at the same
// time, one sender is charged once for a report of the other.
// Units:   microseconds of the steady clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "pipeline/base/error.h"
#include "pipeline/base/zeroed.h"

namespace rollcall {

class Quotas {
public:
    explicit Quotas(const Settings& settings);

    // Hashes (process_hash()) of the site, tenant and network of the sender. A hash is 0 if the
    // sender has no such name, or if no limit applies to such names.
    struct Sender {
        uint64_t site = 0;
        uint64_t tenant = 0;
        uint64_t network = 0;
    };
    // Returns the hashes for a client with these names. site, tenant: empty if the client has no
    // credential.
    [[nodiscard]] Sender sender(std::string_view site, std::string_view tenant,
                                std::string_view address) const;

    struct Standing {
        int64_t over_us = 0;     // Time until the sender is within all limits; 0 means now.
        int64_t refused_us = 0;  // Time until a report of the sender is accepted; 0 means now.
        Code code = Code::over_site_quota;  // The code of the limit that is exceeded most.

        [[nodiscard]] int64_t over_s() const { return (over_us + 999'999) / 1'000'000; }
    };
    // Returns how far the sender is over its limits. Call this before accepting a report.
    [[nodiscard]] Standing standing(const Sender& sender, int64_t now_us) const;
    // Charges the sender for a report that no quota has refused. Call this even if the report
    // cannot be decoded.
    void charge(const Sender& sender, size_t checkins, size_t bytes, int64_t now_us);

private:
    enum class Unit : bool { checkins, bytes };
    struct Limit {
        Code code;
        uint64_t Sender::* who;
        Unit unit;
        double us_each;        // Cost of one check-in or byte.
        int64_t ahead_max_us;  // How far Bucket::full_at_us may lie in the future.
    };
    struct Bucket {
        uint64_t whose;
        int64_t full_at_us;
    };
    static constexpr size_t places = 4;

    // Adds a limit of `per_minute` units. Has no effect if per_minute is 0.
    void add_limit(Code code, uint64_t Sender::* who, Unit unit, uint64_t per_minute);
    [[nodiscard]] bool limits(uint64_t Sender::* who) const;
    [[nodiscard]] uint64_t key_of(const Limit& limit, const Sender& sender) const;
    [[nodiscard]] Bucket* places_of(uint64_t key) const;
    [[nodiscard]] int64_t full_at_us(uint64_t key) const;
    void take(uint64_t key, int64_t cost_us, int64_t now_us);

    int64_t burst_us_;
    int64_t grace_us_;
    std::vector<Limit> limits_;  // Only the limits that are set; usually none.
    size_t network_bits_v4_;
    size_t network_bits_v6_;
    bool limits_sites_ = false;
    bool limits_tenants_ = false;
    bool limits_networks_ = false;
    size_t rows_;
    ZeroedArray<Bucket> buckets_;
};

}  // namespace rollcall
