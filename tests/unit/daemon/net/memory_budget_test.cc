#include "daemon/net/memory_budget.h"

#include <boost/test/unit_test.hpp>
#include <memory>
#include <vector>

namespace rollcall {

BOOST_AUTO_TEST_SUITE(net_memory_budget)

BOOST_AUTO_TEST_CASE(charges_count_by_use_and_are_given_back) {
    MemoryBudget budget(1000);
    {
        MemoryCharge buffer(&budget, MemoryUse::buffers);
        MemoryCharge wills(&budget, MemoryUse::wills);
        buffer.set(300);
        wills.set(50);
        buffer.set(200);
        BOOST_TEST(budget.used() == 250);
        BOOST_TEST(budget.used_by(MemoryUse::buffers) == 200);
        BOOST_TEST(budget.used_by(MemoryUse::wills) == 50);
        BOOST_TEST(budget.allowance() == 750U);
        wills.set(900);
        BOOST_TEST(budget.allowance() == 0U);
    }
    BOOST_TEST(budget.used() == 0);
    BOOST_TEST(budget.used_by(MemoryUse::buffers) == 0);
    BOOST_TEST(budget.allowance() == 1000U);
}

BOOST_AUTO_TEST_CASE(greedy_users_share_the_budget_and_leave_as_much_for_the_next) {
    constexpr size_t users = 99;
    constexpr size_t bytes_max = 1'000'000;
    MemoryBudget budget(bytes_max);
    std::vector<std::unique_ptr<MemoryCharge>> charges;
    for (size_t user = 0; user < users; ++user)
        charges.push_back(std::make_unique<MemoryCharge>(&budget, MemoryUse::buffers));
    // Each user adds 100 bytes at a time until it has as much memory as the budget allows one user.
    for (bool grew = true; grew;) {
        grew = false;
        for (auto& charge : charges) {
            if (charge->bytes() + 100 > budget.allowance()) continue;
            charge->set(charge->bytes() + 100);
            grew = true;
        }
    }
    BOOST_TEST(budget.used() <= static_cast<int64_t>(bytes_max));
    BOOST_TEST(budget.allowance() >= 10'000U);
    for (auto& charge : charges) BOOST_TEST(charge->bytes() >= 9'800U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
