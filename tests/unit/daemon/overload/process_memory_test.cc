#include "daemon/overload/process_memory.h"

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <fstream>
#include <vector>

#include "tests/support/temporary_directory.h"

namespace rollcall {

BOOST_AUTO_TEST_SUITE(overload_process_memory)

BOOST_AUTO_TEST_CASE(process_uses_what_it_has_touched) {
    constexpr size_t bytes = 64 << 20;
    const uint64_t before = process_bytes();
    BOOST_TEST(before > 0);
    std::vector<char> touched(bytes, 'x');
    BOOST_TEST(process_bytes() >= before + bytes / 2);
    BOOST_TEST(touched.back() == 'x');
}

BOOST_AUTO_TEST_CASE(clients_have_a_quarter_of_the_setting_or_of_the_control_groups_limit) {
    const TemporaryDirectory directory;
    const std::string root = directory.path();
    std::ofstream(root + "/self") << "0::/service/worker\n";
    std::filesystem::create_directories(root + "/service/worker");
    Settings settings;
    const auto most = [&] {
        return client_memory_bytes_max(settings, CgroupMemory(root, root + "/self"));
    };
    BOOST_TEST(memory_bytes_max(settings) > uint64_t{64} << 20);
    BOOST_TEST(most() == memory_bytes_max(settings) / 4);
    std::ofstream(root + "/service/memory.high") << "100000000\n";
    std::ofstream(root + "/service/worker/memory.max") << "200000000\n";
    BOOST_TEST(most() == 25'000'000U);
    settings.general.memory_max = Bytes{80'000'000};
    BOOST_TEST(memory_bytes_max(settings) == 80'000'000U);
    BOOST_TEST(most() == 20'000'000U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
