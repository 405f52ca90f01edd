#include "pipeline/base/published_copy.h"

#include <boost/test/unit_test.hpp>
#include <thread>
#include <vector>

using namespace rollcall;

BOOST_AUTO_TEST_SUITE(base_published_copy)

BOOST_AUTO_TEST_CASE(reader_gets_the_copy_that_was_published_last) {
    std::vector<int> value = {1};
    PublishedCopy<std::vector<int>> copy(value);
    value[0] = 2;
    BOOST_TEST(copy.read().front() == 1);
    BOOST_TEST(copy.publish(value));
    BOOST_TEST(copy.read().front() == 2);
}

BOOST_AUTO_TEST_CASE(reader_never_gets_half_of_a_copy) {
    PublishedCopy<std::vector<int>> copy(std::vector<int>(64, 0));
    std::thread owner([&] {
        for (int step = 1; step <= 2000; ++step) (void)copy.publish(std::vector<int>(64, step));
    });
    bool whole = true;
    for (int step = 0; step < 2000; ++step) {
        const std::vector<int> value = copy.read();
        whole &= value.front() == value.back();
    }
    owner.join();
    BOOST_TEST(whole);
}

BOOST_AUTO_TEST_SUITE_END()
