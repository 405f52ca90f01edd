#include "pipeline/base/frequent_names.h"

#include <boost/test/unit_test.hpp>
#include <map>

#include "tests/support/random.h"

using namespace rollcall;

namespace {

constexpr size_t names_max = 16;

const FrequentNames::Entry* entry_of(const FrequentNames& names, std::string_view name) {
    for (const auto& entry : names.entries())
        if (entry.name() == name) return &entry;
    return nullptr;
}

// Returns a random name. The first name is the most frequent one, the next less so.
std::string skewed_name(Random& random) {
    size_t name = 0;
    while (name < 500 && random.below(8) > 0) ++name;
    return "name " + std::to_string(random.below(2) == 0 ? name / 8 : 1000 + random.below(5000));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(base_frequent_names)

BOOST_AUTO_TEST_CASE(names_that_fit_are_counted_exactly) {
    FrequentNames names(names_max);
    for (size_t name = 0; name < names_max; ++name)
        for (size_t time = 0; time <= name; ++time) names.count(std::to_string(name), 7);
    BOOST_TEST(names.entries().size() == names_max);
    for (size_t name = 0; name < names_max; ++name) {
        const auto* entry = entry_of(names, std::to_string(name));
        BOOST_TEST_REQUIRE(entry);
        BOOST_TEST(entry->count == name + 1);
        BOOST_TEST(entry->error == 0);
        BOOST_TEST(entry->note == 7);
    }
}

BOOST_AUTO_TEST_CASE(another_name_takes_the_place_of_the_rarest_with_its_count_as_the_error) {
    FrequentNames names(2);
    names.count("a", 0);
    names.count("a", 0);
    names.count("a", 0);
    names.count("b", 0);
    names.count("b", 0);
    names.count("c", 0);
    BOOST_TEST(entry_of(names, "a")->count == 3);
    BOOST_TEST(entry_of(names, "b") == nullptr);
    BOOST_TEST(entry_of(names, "c")->count == 3);
    BOOST_TEST(entry_of(names, "c")->error == 2);
}

BOOST_AUTO_TEST_CASE(place_counts_until_another_name_takes_it) {
    FrequentNames names(1);
    BOOST_TEST(!names.count_at({}));
    const auto first = names.count("a", 0);
    BOOST_TEST(names.count_at(first));
    const auto second = names.count("b", 0);
    BOOST_TEST(!names.count_at(first));
    BOOST_TEST(names.count_at(second));
    BOOST_TEST(entry_of(names, "b")->count == 4);
    BOOST_TEST(entry_of(names, "b")->error == 2);
}

BOOST_AUTO_TEST_CASE(long_name_is_cut_between_characters) {
    FrequentNames names(names_max);
    names.count(std::string(47, 'x') + "\xC3\xA9 and more", 0);
    BOOST_TEST(names.entries().front().name() == std::string(47, 'x'));
}

BOOST_AUTO_TEST_CASE(true_counts_lie_within_the_errors_in_one_sketch_and_in_the_sum_of_several) {
    Random random("frequent_names");
    std::vector<FrequentNames> sketches(3, FrequentNames(names_max));
    std::map<std::string, uint64_t> truth;
    std::map<std::string, uint64_t> truth_of_first;
    constexpr size_t steps = 30'000;
    size_t steps_of_first = 0;
    for (size_t step = 0; step < steps; ++step) {
        const size_t at = random.below(3);
        const std::string name = skewed_name(random);
        sketches[at].count(name, 0);
        ++truth[name];
        truth_of_first[name] += at == 0;
        steps_of_first += at == 0;
    }
    uint64_t sum = 0;
    for (const auto& entry : sketches[0].entries()) {
        const uint64_t count = truth_of_first[std::string(entry.name())];
        BOOST_TEST(entry.count >= count);
        BOOST_TEST(entry.count - entry.error <= count);
        sum += entry.count;
    }
    BOOST_TEST(sum == steps_of_first);
    for (const auto& [name, count] : truth_of_first)
        if (count > steps_of_first / names_max) BOOST_TEST(entry_of(sketches[0], name), name);
    const auto all = sum_of(sketches, names_max);
    BOOST_TEST(all.size() == names_max);
    for (const auto& [name, count, error, note] : all) {
        BOOST_TEST(count >= truth[name], name);
        BOOST_TEST(count - error <= truth[name], name);
    }
    BOOST_TEST(all.front().name == "name 0");
}

BOOST_AUTO_TEST_CASE(flood_of_names_needs_no_more_memory_and_keeps_the_frequent_one) {
    FrequentNames names(names_max);
    for (size_t step = 0; step < 200'000; ++step)
        names.count(step % 10 == 0 ? "frequent" : std::to_string(step), 0);
    BOOST_TEST(names.entries().size() == names_max);
    BOOST_TEST(entry_of(names, "frequent")->error == 0);
    BOOST_TEST(entry_of(names, "frequent")->count == 20'000);
}

BOOST_AUTO_TEST_SUITE_END()
