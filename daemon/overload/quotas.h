// Quotas: limits how much a site, a tenant and a network may send, with one token bucket for each
// sender and limit.
//
//     limit     check-ins or bytes a minute, of each site, each tenant, each network
//     bucket    [ hash of the sender        | time at which the bucket is full again ]
//
//     a sender is over its limit if its bucket is full only after
//         quotas.burst             it is accepted, and asked to report later
//         + quotas.grace           it is refused, and told when it is accepted again
//
// A bucket is a single time. Taking n where r a minute are allowed moves it n / r minutes into the
// future. A bucket whose time is past is full and need not be remembered, so the table holds only
// the senders of late. A sender has 4 places in the table; if others occupy all of them, it takes
// the one that is full soonest, and the sender that had it starts again with a full bucket.
//
// A refused report costs nothing, so a sender that never pauses still gets what it is allowed.
//
// Source: the virtual scheduling algorithm (GCRA), ITU-T I.371, Annex A.
// Threads: any; all workers share one. The numbers of a bucket are relaxed: each is right by
//          itself. If two threads give one place to two senders at the same time, one of them is
//          charged once for what the other has sent.
// Units:   microseconds, steady.
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

    // Hashes (process_hash()) of what the sender belongs to; 0 if there is none, or it is unknown.
    struct Sender {
        uint64_t site = 0;
        uint64_t tenant = 0;
        uint64_t network = 0;
    };
    // Returns the sender without what has no limit. site, tenant: empty without a credential.
    [[nodiscard]] Sender sender(std::string_view site, std::string_view tenant,
                                std::string_view address) const;

    struct Standing {
        int64_t over_us = 0;     // Time until the sender is within all limits; 0 if it is.
        int64_t refused_us = 0;  // Time until its reports are accepted; 0 if they are.
        Code code = Code::over_site_quota;  // The code of the limit that it exceeds most.

        [[nodiscard]] int64_t over_s() const { return (over_us + 999'999) / 1'000'000; }
    };
    // Returns where the sender stands, before its report is accepted.
    [[nodiscard]] Standing standing(const Sender& sender, int64_t now_us) const;
    // Charges the sender for what was accepted.
    void charge(const Sender& sender, size_t checkins, size_t bytes, int64_t now_us);

private:
    enum class Unit : bool { checkins, bytes };
    struct Limit {
        Code code;
        uint64_t Sender::* who;
        Unit unit;
        double us_each;        // Cost of one check-in or byte.
        int64_t ahead_max_us;  // How far the bucket's time may lie in the future.
    };
    struct Bucket {
        uint64_t whose;
        int64_t full_at_us;
    };
    static constexpr size_t places = 4;

    // Adds a limit of `per_minute` units, unless that is 0.
    void add_limit(Code code, uint64_t Sender::* who, Unit unit, uint64_t per_minute);
    [[nodiscard]] bool limits(uint64_t Sender::* who) const;
    [[nodiscard]] uint64_t key_of(const Limit& limit, const Sender& sender) const;
    [[nodiscard]] Bucket* places_of(uint64_t key) const;
    [[nodiscard]] int64_t full_at_us(uint64_t key) const;
    void take(uint64_t key, int64_t cost_us, int64_t now_us);

    int64_t burst_us_;
    int64_t grace_us_;
    std::vector<Limit> limits_;  // The limits that are set; usually none.
    size_t network_bits_v4_;
    size_t network_bits_v6_;
    bool limits_sites_ = false;
    bool limits_tenants_ = false;
    bool limits_networks_ = false;
    size_t rows_;
    ZeroedArray<Bucket> buckets_;
};

}  // namespace rollcall
