#include "pipeline/base/shared_count.h"

#include <boost/test/unit_test.hpp>
#include <thread>
#include <vector>

namespace rollcall {

BOOST_AUTO_TEST_SUITE(base_shared_count)

BOOST_AUTO_TEST_CASE(additions_of_all_threads_count) {
    SharedCount count;
    BOOST_TEST(count.add(5) == 5);
    BOOST_TEST(count.add(-2) == 3);
    std::vector<std::thread> threads;
    for (int number = 0; number < 4; ++number)
        threads.emplace_back([&count] {
            for (int round = 0; round < 10'000; ++round) {
                count.add(3);
                count.add(-2);
            }
        });
    for (auto& thread : threads) thread.join();
    BOOST_TEST(count.read() == 3 + 4 * 10'000);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
