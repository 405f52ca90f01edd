#include "pipeline/base/directory_place.h"

#include <boost/test/unit_test.hpp>
#include <filesystem>

#include "tests/support/temporary_directory.h"

namespace rollcall {

namespace {

DirectoryPlace place(char machine, char boot, uint64_t device, uint64_t inode) {
    DirectoryPlace place{.device = device, .inode = inode};
    place.machine[0] = machine;
    place.boot[0] = boot;
    return place;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(base_directory_place)

BOOST_AUTO_TEST_CASE(reboot_that_renumbers_devices_leaves_the_place) {
    BOOST_TEST(is_same_place(place('m', 'a', 1, 7), place('m', 'b', 2, 7)));
}

BOOST_AUTO_TEST_CASE(container_without_a_machine_id_or_with_a_new_one_keeps_the_place_in_one_boot) {
    BOOST_TEST(is_same_place(place(0, 'a', 1, 7), place(0, 'b', 1, 7)));
    BOOST_TEST(is_same_place(place('m', 'a', 1, 7), place('n', 'a', 1, 7)));
    BOOST_TEST(is_same_place(place('m', 'a', 1, 7), place(0, 'a', 1, 7)));
}

BOOST_AUTO_TEST_CASE(another_inode_device_birth_or_machine_is_another_place) {
    BOOST_TEST(!is_same_place(place('m', 'a', 1, 7), place('m', 'a', 1, 8)));
    BOOST_TEST(!is_same_place(place('m', 'a', 1, 7), place('m', 'a', 2, 7)));
    BOOST_TEST(!is_same_place(place('m', 'a', 1, 7), place('n', 'b', 1, 7)));
    DirectoryPlace later = place('m', 'b', 1, 7);
    later.born_ns = 1;
    BOOST_TEST(!is_same_place(place('m', 'a', 1, 7), later));
}

BOOST_AUTO_TEST_CASE(directory_that_was_copied_is_in_another_place_and_one_that_was_moved_is_not) {
    namespace fs = std::filesystem;
    const TemporaryDirectory directory;
    const std::string at = directory.path();
    fs::create_directory(at + "/spool");
    const DirectoryPlace before = find_place(at + "/spool").value();
    BOOST_TEST(is_same_place(before, find_place(at + "/spool").value()));
    fs::copy(at + "/spool", at + "/copy", fs::copy_options::recursive);
    BOOST_TEST(!is_same_place(before, find_place(at + "/copy").value()));
    fs::rename(at + "/spool", at + "/moved");
    BOOST_TEST(is_same_place(before, find_place(at + "/moved").value()));
    BOOST_TEST((find_place(at + "/spool").error().code == Code::disk_failed));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
