#include "daemon/overload/quotas.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <thread>
#include <vector>

#include "pipeline/base/hash.h"
#include "tests/support/random.h"

namespace rollcall {

namespace {

constexpr int64_t second_us = 1'000'000;
constexpr Quotas::Sender sender{.site = 11, .tenant = 22, .network = 33};

struct QuotasFixture {
    QuotasFixture() {
        settings.quotas.burst = Millis(60'000);
        settings.quotas.grace = Millis(30'000);
    }

    // Returns how many of `tries` check-ins at the same time are accepted.
    size_t taken(Quotas& quotas, const Quotas::Sender& who, size_t tries, size_t bytes = 100) {
        size_t count = 0;
        for (size_t i = 0; i < tries; ++i) {
            if (quotas.standing(who, now_us).refused_us > 0) continue;
            quotas.charge(who, 1, bytes, now_us);
            ++count;
        }
        return count;
    }

    Settings settings;
    int64_t now_us = 1000 * second_us;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(overload_quotas, QuotasFixture)

BOOST_AUTO_TEST_CASE(without_limits_nobody_is_ever_over_one) {
    Quotas quotas(settings);
    BOOST_TEST(taken(quotas, sender, 10'000, 1 << 20) == 10'000);
    BOOST_TEST(quotas.standing(sender, now_us).over_us == 0);
    BOOST_TEST(quotas.sender("s", "t", "192.0.2.1").network == 0);
    BOOST_TEST(quotas.sender("s", "t", "192.0.2.1").site == 0);
}

BOOST_AUTO_TEST_CASE(burst_is_taken_then_grace_with_a_warning_and_the_rest_is_refused) {
    settings.quotas.site_checkins_max = 60;
    Quotas quotas(settings);
    for (int i = 0; i < 60; ++i) {
        BOOST_TEST(quotas.standing(sender, now_us).over_us == 0);
        quotas.charge(sender, 1, 100, now_us);
    }
    for (int i = 0; i < 30; ++i) {
        const auto standing = quotas.standing(sender, now_us);
        BOOST_TEST(standing.refused_us == 0);
        BOOST_TEST(standing.over_s() == i + 1);
        quotas.charge(sender, 1, 100, now_us);
    }
    const auto standing = quotas.standing(sender, now_us);
    BOOST_TEST(standing.refused_us == second_us);
    BOOST_TEST(standing.over_s() == 31);
    BOOST_TEST((standing.code == Code::over_site_quota));
}

BOOST_AUTO_TEST_CASE(whoever_goes_on_and_on_gets_the_rate_and_no_less) {
    settings.quotas.site_checkins_max = 60;
    Quotas quotas(settings);
    BOOST_TEST(taken(quotas, sender, 1000) == 90);
    for (int second = 0; second < 100; ++second) {
        now_us += second_us;
        BOOST_TEST(taken(quotas, sender, 50) == 1);
    }
    now_us += 3600 * second_us;
    BOOST_TEST(taken(quotas, sender, 1000) == 90);
}

// A row of the table has room for only four senders. If clients could choose names that all fall
// into one row, the table would forget these senders again and again, so they would have no limit.
BOOST_AUTO_TEST_CASE(names_cannot_be_chosen_to_push_each_other_out_of_the_table) {
    constexpr size_t rows = 1024;
    settings.quotas.site_checkins_max = 60;
    settings.quotas.tracked_max = 4 * rows;
    Quotas quotas(settings);
    const auto row_without_a_secret = [](const std::string& name) {
        return ((stable_hash(name) >> 1) * 0x9e3779b97f4a7c15 >> 20) % rows;
    };
    std::vector<Quotas::Sender> senders;
    for (int number = 0; senders.size() < 12; ++number) {
        const std::string name = "S" + std::to_string(number);
        if (row_without_a_secret(name) == 7) senders.push_back(quotas.sender(name, "", ""));
    }
    for (int round = 0; round < 10; ++round)
        for (const auto& who : senders) taken(quotas, who, 30);
    size_t refused = 0;
    for (const auto& who : senders) refused += quotas.standing(who, now_us).refused_us > 0;
    BOOST_TEST(refused == senders.size());
}

BOOST_AUTO_TEST_CASE(burst_is_no_larger_for_those_who_take_a_moment) {
    settings.quotas.site_checkins_max = 2;
    settings.quotas.grace = Millis(0);
    Quotas quotas(settings);
    for (const size_t expected : {1, 1, 0, 0}) {
        BOOST_TEST(taken(quotas, sender, 1) == expected);
        now_us += second_us / 100;
    }
    // The first check-in is accepted even if it is larger than the burst.
    settings.quotas.burst = Millis(1000);
    Quotas slow(settings);
    BOOST_TEST(taken(slow, sender, 10) == 1);
}

BOOST_AUTO_TEST_CASE(bytes_count_beside_check_ins) {
    settings.quotas.site_checkins_max = 1000;
    settings.quotas.site_bytes_max = Bytes{60'000};
    Quotas quotas(settings);
    BOOST_TEST(taken(quotas, sender, 1000, 10'000) == 9);
    now_us += 10 * second_us;
    BOOST_TEST(taken(quotas, sender, 1000, 10'000) == 1);
}

BOOST_AUTO_TEST_CASE(batch_is_taken_whole_and_paid_for_after) {
    settings.quotas.site_checkins_max = 60;
    Quotas quotas(settings);
    quotas.charge(sender, 600, 100, now_us);
    BOOST_TEST(quotas.standing(sender, now_us).refused_us > 0);
    BOOST_TEST(quotas.standing(sender, now_us + 511 * second_us).refused_us == 0);
    BOOST_TEST(quotas.standing(sender, now_us + 541 * second_us).over_us == 0);
}

BOOST_AUTO_TEST_CASE(each_site_tenant_and_network_has_its_own) {
    settings.quotas.site_checkins_max = 60;
    settings.quotas.tenant_checkins_max = 120;
    settings.quotas.network_checkins_max = 240;
    Quotas quotas(settings);
    BOOST_TEST(taken(quotas, sender, 1000) == 90);
    BOOST_TEST(taken(quotas, {.site = 12, .tenant = 22, .network = 33}, 1000) == 90);
    // Two sites of the tenant have already sent 180 check-ins. The tenant's burst allows 120 and
    // its grace 60.
    BOOST_TEST(taken(quotas, {.site = 13, .tenant = 22, .network = 33}, 1000) == 0);
    BOOST_TEST((quotas.standing({13, 22, 33}, now_us).code == Code::over_tenant_quota));
    BOOST_TEST(taken(quotas, {.site = 14, .tenant = 23, .network = 33}, 1000) == 90);
    BOOST_TEST(taken(quotas, {.site = 16, .tenant = 23, .network = 33}, 1000) == 90);
    // Four sites of the network have already sent 360 check-ins. The network's burst allows 240 and
    // its grace 120.
    BOOST_TEST(taken(quotas, {.site = 15, .tenant = 24, .network = 33}, 1000) == 0);
    BOOST_TEST((quotas.standing({15, 24, 33}, now_us).code == Code::over_network_quota));
    BOOST_TEST(taken(quotas, {.site = 15, .tenant = 24, .network = 34}, 1000) == 90);
    // A sender without site, tenant and network has no quota.
    BOOST_TEST(taken(quotas, {}, 1000) == 1000);
}

BOOST_AUTO_TEST_CASE(network_is_the_first_bits_of_an_address) {
    settings.quotas.network_checkins_max = 60;
    const auto same = [&](size_t bits_v4, size_t bits_v6, const char* one, const char* other) {
        settings.quotas.network_bits_ipv4 = bits_v4;
        settings.quotas.network_bits_ipv6 = bits_v6;
        const Quotas quotas(settings);
        BOOST_TEST(quotas.sender("", "", one).network != 0);
        return quotas.sender("", "", one).network == quotas.sender("", "", other).network;
    };
    BOOST_TEST(same(24, 64, "192.0.2.1", "192.0.2.255"));
    BOOST_TEST(!same(24, 64, "192.0.2.1", "192.0.3.1"));
    BOOST_TEST(!same(32, 64, "192.0.2.1", "192.0.2.2"));
    BOOST_TEST(same(23, 64, "192.0.2.1", "192.0.3.1"));
    BOOST_TEST(same(1, 64, "192.0.2.1", "255.0.3.1"));
    BOOST_TEST(same(32, 64, "2001:db8::1", "2001:db8::ffff:1"));
    BOOST_TEST(!same(32, 64, "2001:db8::1", "2001:db8:0:1::1"));
    BOOST_TEST(same(32, 63, "2001:db8::1", "2001:db8:0:1::1"));
    BOOST_TEST(!same(32, 128, "2001:db8::1", "2001:db8::2"));
    settings.quotas.network_bits_ipv4 = 32;
    BOOST_TEST(Quotas(settings).sender("", "", "nonsense").network == 0);
}

// If the table gives the entry of a site whose bucket is full to another site, the first site loses
// nothing.
BOOST_AUTO_TEST_CASE(bucket_that_is_full_makes_room_and_the_others_stay) {
    settings.quotas.site_checkins_max = 60;
    settings.quotas.tracked_max = 4;
    Quotas quotas(settings);
    for (uint64_t site = 1; site <= 3; ++site)
        BOOST_TEST(taken(quotas, {.site = site}, 1000) == 90);
    for (uint64_t site = 100; site < 1000; ++site) {
        BOOST_TEST(taken(quotas, {.site = site}, 1) == 1);
        now_us += second_us / 100;
    }
    for (uint64_t site = 1; site <= 3; ++site) BOOST_TEST(taken(quotas, {.site = site}, 1000) == 9);
}

BOOST_AUTO_TEST_CASE(threads_that_charge_one_sender_lose_nothing) {
    settings.quotas.site_checkins_max = 60'000;
    Quotas quotas(settings);
    quotas.charge(sender, 1, 0, now_us);
    {
        std::vector<std::jthread> threads(4);
        for (auto& thread : threads)
            thread = std::jthread([&] {
                for (int i = 0; i < 30'000; ++i) quotas.charge(sender, 1, 0, now_us);
            });
    }
    // 120,001 check-ins cost 120.001 s, and the next one costs 1 ms. The burst allows 60 s.
    BOOST_TEST(quotas.standing(sender, now_us).over_us == 60'002'000);
}

BOOST_AUTO_TEST_CASE(what_is_taken_in_the_long_run_is_what_the_limit_says) {
    Random random("what_is_taken_in_the_long_run_is_what_the_limit_says");
    settings.quotas.site_checkins_max = 1 + random.below(6000);
    Quotas quotas(settings);
    size_t count = 0;
    const int64_t begin_us = now_us;
    while (now_us < begin_us + 600 * second_us) {
        count += taken(quotas, sender, random.below(300));
        now_us += static_cast<int64_t>(random.below(2 * second_us));
    }
    // The limit allows the check-ins of ten minutes. The burst allows the check-ins of one more
    // minute. The grace allows the check-ins of half a minute; the number below is rounded up. The
    // last check-in is the one that exceeds the grace.
    BOOST_TEST(count <= settings.quotas.site_checkins_max * 12 + 1);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
