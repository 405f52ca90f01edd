// Quotas: how much a site, a tenant and a network may send.
//
//     limit     check-ins or bytes in a minute, of each site, each tenant, each network
//     bucket    [ whose it is | when it is full again ]      one for each sender and limit in use
//
//     over its limit is who has taken more ahead than
//         quotas.burst             what comes is taken, and asked to come later
//         + quotas.grace           what comes is refused, and told when not any more
//
// A bucket is one time: taking n of what r a minute are allowed moves it n / r minutes into the
// future, and as long as it lies in the past the bucket is full and need not be remembered. So the
// table holds only those who sent lately. A sender has 4 places; when all are somebody else's, the
// one that is next to be full is given up, which is to the good of whoever had it.
//
// What is refused costs nothing: a sender that goes on and on gets what it is allowed.
//
// Source: the virtual scheduling algorithm (GCRA), ITU-T I.371, Annex A.
// Threads: any; all workers share one. The numbers of a bucket are relaxed: each is right by
//          itself, and if two threads give one place to two senders at once, one is charged what
//          the other has sent, once.
// Units:   microseconds, steady.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "config/settings.h"
#include "pipeline/base/error.h"
#include "pipeline/base/zeroed.h"

namespace rollcall {

class Quotas {
public:
    explicit Quotas(const Settings& settings);

    // Fingerprints; 0: has none, or is not known.
    struct Sender {
        uint64_t site = 0;
        uint64_t tenant = 0;
        uint64_t network = 0;
    };
    // site, tenant: empty if there is no credential that says so. What has no limit is left out.
    [[nodiscard]] Sender sender(std::string_view site, std::string_view tenant,
                                std::string_view address) const;

    struct Standing {
        int64_t over_us = 0;     // Until the sender is within all its limits again; 0: it is.
        int64_t refused_us = 0;  // Until something is taken again; 0: it is.
        Code code = Code::over_site_quota;  // Of the limit that it exceeds most.

        [[nodiscard]] int64_t over_s() const { return (over_us + 999'999) / 1'000'000; }
    };
    // Before anything is taken.
    [[nodiscard]] Standing standing(const Sender& sender, int64_t now_us) const;
    // After that: what was taken counts.
    void charge(const Sender& sender, size_t checkins, size_t bytes, int64_t now_us);

private:
    struct Limit {
        Code code;
        uint64_t Sender::* who;
        bool of_bytes;
        double us_each;        // Of one check-in or byte; 0: no limit.
        int64_t ahead_max_us;  // How far ahead it may have taken what it sends.
    };
    struct Bucket {
        uint64_t whose;
        int64_t full_at_us;
    };
    static constexpr size_t limits_count = 6;
    static constexpr size_t places = 4;

    [[nodiscard]] Limit limit(Code code, uint64_t Sender::* who, bool of_bytes,
                              uint64_t per_minute) const;
    [[nodiscard]] bool limits(uint64_t Sender::* who) const;
    [[nodiscard]] uint64_t key_of(const Limit& limit, const Sender& sender) const;
    [[nodiscard]] Bucket* places_of(uint64_t key) const;
    [[nodiscard]] int64_t full_at_us(uint64_t key) const;
    void take(uint64_t key, int64_t cost_us, int64_t now_us);

    int64_t burst_us_;
    int64_t grace_us_;
    std::array<Limit, limits_count> limits_;
    size_t network_bits_v4_;
    size_t network_bits_v6_;
    bool limits_sites_;
    bool limits_tenants_;
    bool limits_networks_;
    size_t rows_;
    ZeroedArray<Bucket> buckets_;
};

}  // namespace rollcall
