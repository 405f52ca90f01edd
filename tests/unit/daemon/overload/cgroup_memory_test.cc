#include "daemon/overload/cgroup_memory.h"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace rollcall {

namespace {

struct CgroupFixture {
    CgroupFixture() { write("self", "1:name=systemd:/\n0::/system.slice/rollcalld.service\n"); }

    void write(const std::string& path, const std::string& text) {
        const std::filesystem::path file = std::string(directory.path()) + "/" + path;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file) << text;
    }
    void group(const std::string& path, const std::string& max, const std::string& high,
               const std::string& current, const std::string& statistics) {
        write(path + "/memory.max", max + "\n");
        write(path + "/memory.high", high + "\n");
        write(path + "/memory.current", current + "\n");
        write(path + "/memory.stat", statistics);
    }
    [[nodiscard]] double share() const {
        return CgroupMemory(std::string(directory.path()), std::string(directory.path()) + "/self")
            .share();
    }

    TemporaryDirectory directory;
    const std::string service = "system.slice/rollcalld.service";
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(overload_cgroup_memory, CgroupFixture)

BOOST_AUTO_TEST_CASE(page_cache_does_not_count) {
    group(service, "1000", "max", "900",
          "anon 300\nfile 600\nactive_file 200\ninactive_file 300\n");
    BOOST_TEST(share() == 0.4);
}

BOOST_AUTO_TEST_CASE(smaller_of_the_two_limits_counts) {
    group(service, "1000", "500", "400", "");
    BOOST_TEST(share() == 0.8);
    group(service, "500", "1000", "400", "");
    BOOST_TEST(share() == 0.8);
    group(service, "max", "800", "400", "");
    BOOST_TEST(share() == 0.5);
}

BOOST_AUTO_TEST_CASE(group_above_counts_if_it_is_nearer_to_its_limit) {
    group(service, "max", "max", "400", "");
    group("system.slice", "1000", "max", "600", "");
    BOOST_TEST(share() == 0.6);
    group(service, "500", "max", "400", "");
    BOOST_TEST(share() == 0.8);
}

BOOST_AUTO_TEST_CASE(without_limit_or_without_control_groups_there_is_no_share) {
    group(service, "max", "max", "400", "");
    BOOST_TEST(share() == 0);
    BOOST_TEST(CgroupMemory("/nowhere", "/nowhere/self").share() == 0);
    write("self", "4:memory:/some/group\n");
    group("some/group", "1000", "max", "600", "");
    BOOST_TEST(share() == 0);
    write("self", "0::/\n");
    BOOST_TEST(share() == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
