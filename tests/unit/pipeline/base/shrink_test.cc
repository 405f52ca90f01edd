#include "pipeline/base/shrink.h"

#include <boost/test/unit_test.hpp>
#include <memory>
#include <unordered_map>

#include "tests/support/allocations.h"

namespace rollcall {

BOOST_AUTO_TEST_SUITE(base_shrink)

BOOST_AUTO_TEST_CASE(buckets_of_a_burst_are_given_back_and_the_elements_stay) {
    std::unordered_map<int, int64_t> squares;
    for (int number = 0; number < 100'000; ++number)
        squares.emplace(number, int64_t{number} * number);
    const int64_t* const element = &squares.at(7);
    for (int number = 100; number < 100'000; ++number) {
        squares.erase(number);
        shrink_buckets(squares);
    }
    BOOST_TEST(squares.bucket_count() < shrinks_from);
    BOOST_TEST(squares.size() == 100);
    BOOST_TEST(&squares.at(7) == element);
}

BOOST_AUTO_TEST_CASE(table_that_is_never_empty_for_a_million_operations_keeps_its_buckets) {
    std::unordered_map<int, int> table;
    for (int number = 0; number < 2000; ++number) table.emplace(number, number);
    const size_t buckets = table.bucket_count();
    for (int number = 2000; number < 1'000'000; ++number) {
        table.emplace(number, number);
        table.erase(number - 2000);
        shrink_buckets(table);
    }
    BOOST_TEST(table.bucket_count() == buckets);
}

BOOST_AUTO_TEST_CASE(capacity_of_a_burst_is_given_back_and_that_of_a_steady_load_is_kept) {
    std::vector<std::unique_ptr<int>> numbers;
    for (int number = 0; number < 100'000; ++number)
        numbers.push_back(std::make_unique<int>(number));
    while (numbers.size() > 300) {
        numbers.pop_back();
        shrink_capacity(numbers);
    }
    BOOST_TEST(numbers.capacity() < 8 * 300 + shrinks_from);
    for (int number = 0; number < 300; ++number)
        BOOST_TEST_REQUIRE(*numbers[static_cast<size_t>(number)] == number);
    const size_t capacity = numbers.capacity();
    const size_t allocated = allocations();
    for (int number = 0; number < 1'000'000; ++number) {
        numbers.push_back(nullptr);
        numbers.pop_back();
        shrink_capacity(numbers);
    }
    BOOST_TEST(numbers.capacity() == capacity);
    BOOST_TEST(allocations() == allocated);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
