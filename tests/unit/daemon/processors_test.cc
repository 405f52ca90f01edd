#include "daemon/processors.h"

#include <sched.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <thread>

#include "tests/support/temporary_directory.h"

namespace rollcall {

namespace {

// Calls usable_processors() on a thread that may run on only one processor.
size_t usable_on_one(const CgroupPaths& paths) {
    size_t found = 0;
    std::thread([&] {
        cpu_set_t all;
        cpu_set_t one;
        CPU_ZERO(&one);
        BOOST_TEST(sched_getaffinity(0, sizeof all, &all) == 0);
        int first = 0;
        while (!CPU_ISSET(first, &all)) ++first;
        CPU_SET(first, &one);
        BOOST_TEST(sched_setaffinity(0, sizeof one, &one) == 0);
        found = usable_processors(paths);
    }).join();
    return found;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(processors)

BOOST_AUTO_TEST_CASE(affinity_and_quota_limit_the_processors) {
    const TemporaryDirectory directory;
    const CgroupPaths paths{directory.path(), directory.path() / "self"};
    const size_t all = usable_processors(paths);
    BOOST_TEST(all >= 1);
    BOOST_TEST(usable_on_one(paths) == 1);

    std::ofstream(paths.self) << "0::/outer/inner\n";
    std::filesystem::create_directories(paths.root + "/outer/inner");
    const auto usable_with = [&](std::string_view cpu_max) {
        std::ofstream(paths.root + "/outer/cpu.max") << cpu_max;
        return usable_processors(paths);
    };
    BOOST_TEST(usable_with("max 100000\n") == all);
    BOOST_TEST(usable_with("50000 100000\n") == 1);
    BOOST_TEST(usable_with("100001 100000\n") == std::min<size_t>(all, 2));
    BOOST_TEST(usable_with("100000000 100000\n") == all);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
