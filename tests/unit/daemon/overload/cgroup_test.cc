#include "daemon/overload/cgroup.h"

#include <boost/test/unit_test.hpp>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace rollcall {

BOOST_AUTO_TEST_SUITE(overload_cgroup)

BOOST_AUTO_TEST_CASE(directories_are_those_of_the_group_and_its_parents) {
    const TemporaryDirectory directory;
    const std::string self = directory.path() / "self";
    const auto directories = [&] { return cgroup_directories({"/groups", self}); };
    BOOST_TEST(directories().empty());
    std::ofstream(self) << "4:memory:/old\n0::/system.slice/rollcalld.service\n";
    const std::vector<std::string> expected = {"/groups/system.slice/rollcalld.service",
                                               "/groups/system.slice"};
    BOOST_TEST(directories() == expected, boost::test_tools::per_element());
    std::ofstream(self) << "0::/\n";
    BOOST_TEST(directories().size() == 1);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
