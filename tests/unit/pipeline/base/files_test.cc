#include "pipeline/base/files.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <cstring>
#include <vector>

#include "tests/support/is_root.h"
#include "tests/support/temporary_directory.h"

namespace rollcall {

namespace {

struct FilesFixture {
    std::string path(const std::string& name) const { return (directory.path() / name).string(); }
    std::unique_ptr<File> create(const std::string& name) {
        return std::move(*files.open(path(name), Files::Open::create));
    }

    TemporaryDirectory directory;
    Files files;
};

iovec piece(const char* text) { return {const_cast<char*>(text), std::strlen(text)}; }

std::string read(File& file, uint64_t offset, size_t bytes) {
    std::string text(bytes, '?');
    const auto got = file.read(offset, std::as_writable_bytes(std::span(text)));
    text.resize(got.value());
    return text;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(base_files, FilesFixture)

BOOST_AUTO_TEST_CASE(pieces_are_written_one_after_the_other) {
    const auto file = create("a");
    const iovec pieces[] = {piece("ab"), piece(""), piece("cde")};
    BOOST_TEST(file->write(3, pieces).has_value());
    BOOST_TEST(file->size().value() == 8);
    BOOST_TEST(read(*file, 3, 100) == "abcde");
    BOOST_TEST(read(*file, 5, 2) == "cd");
    BOOST_TEST(read(*file, 8, 10) == "");
    BOOST_TEST(file->sync().has_value());
    BOOST_TEST(file->truncate(4).has_value());
    BOOST_TEST(read(*file, 3, 100) == "a");
}

BOOST_AUTO_TEST_CASE(failed_open_and_write_return_the_reason) {
    create("a");
    BOOST_TEST(files.open(path("a"), Files::Open::create).error().os_errno == EEXIST);
    BOOST_TEST(files.open(path("b"), Files::Open::existing).error().os_errno == ENOENT);
    const auto reader = files.open(path("a"), Files::Open::existing_read_only);
    const iovec text = piece("x");
    BOOST_TEST(((*reader)->write(0, {&text, 1}).error().code == Code::disk_failed));
}

BOOST_AUTO_TEST_CASE(full_disk_is_an_error_to_retry) {
    // A device that is always full: full(4).
    const auto full = files.open("/dev/full", Files::Open::existing);
    const iovec text = piece("x");
    const auto written = (*full)->write(0, {&text, 1});
    BOOST_TEST((written.error().code == Code::disk_full));
    BOOST_TEST((written.error().action() == Action::retry));
}

BOOST_AUTO_TEST_CASE(names_are_listed_in_order_and_follow_rename_and_remove) {
    for (const char* name : {"c", "a", "b"}) create(name);
    BOOST_TEST(files.rename(path("c"), path("0")).has_value());
    BOOST_TEST(files.remove(path("b")).has_value());
    BOOST_TEST(files.sync_directory(directory.path()).has_value());
    const std::vector<std::string> expected = {"0", "a"};
    BOOST_TEST(files.list(directory.path()).value() == expected, boost::test_tools::per_element());
    BOOST_TEST(!files.list(path("nowhere")).has_value());
}

BOOST_AUTO_TEST_CASE(directories_are_created_with_their_parents) {
    BOOST_TEST(files.make_directories(path("x/y/z")).has_value());
    BOOST_TEST(files.make_directories(path("x/y/z")).has_value());
    BOOST_TEST(files.list(path("x/y")).value().size() == 1);
    create("file");
    BOOST_TEST(!files.make_directories(path("file/below")).has_value());
}

BOOST_AUTO_TEST_CASE(directory_is_locked_until_the_lock_is_destroyed) {
    create("file");
    auto held = files.lock(directory.path());
    BOOST_TEST(held.has_value());
    BOOST_TEST(files.remove(path("file")).has_value());
    BOOST_TEST((files.lock(directory.path()).error().code == Code::spool_locked));
    held->reset();
    BOOST_TEST(files.lock(directory.path()).has_value());
    BOOST_TEST(files.lock(path("nowhere")).error().os_errno == ENOENT);
}

BOOST_AUTO_TEST_CASE(status_distinguishes_a_file_from_its_replacement) {
    const auto open = create("a");
    const auto before = files.status(path("a"));
    BOOST_TEST_REQUIRE(before.has_value());
    BOOST_TEST((open->status()->identity == before->identity));
    BOOST_TEST(open->status()->links == 1);
    create("b");
    BOOST_TEST(files.rename(path("b"), path("a")).has_value());
    BOOST_TEST((files.status(path("a"))->identity != before->identity));
    BOOST_TEST((open->status()->identity == before->identity));
    BOOST_TEST(open->status()->links == 0);
    BOOST_TEST(files.remove(path("a")).has_value());
    BOOST_TEST(files.status(path("a")).error().os_errno == ENOENT);
}

BOOST_AUTO_TEST_CASE(files_that_root_creates_belong_to_the_owner_of_the_directory,
                     *boost::unit_test::precondition(is_root())) {
    constexpr uid_t owner = 12345;
    constexpr gid_t group = 54321;
    const auto belongs_to_owner = [&](const std::string& name) {
        struct stat status{};
        return stat(path(name).c_str(), &status) == 0 && status.st_uid == owner &&
               status.st_gid == group;
    };
    BOOST_TEST_REQUIRE(chown(directory.path().c_str(), owner, group) == 0);
    create("file");
    BOOST_TEST(files.make_directories(path("x/y")).has_value());
    create("x/y/below");
    for (const char* name : {"file", "x", "x/y", "x/y/below"})
        BOOST_TEST(belongs_to_owner(name), name);
}

BOOST_AUTO_TEST_CASE(user_who_does_not_own_a_directory_is_refused,
                     *boost::unit_test::precondition(is_root())) {
    BOOST_TEST(check_owner(directory.path()).has_value());
    BOOST_TEST(check_owner(path("nowhere")).has_value());
    constexpr uid_t other = 12345;
    BOOST_TEST_REQUIRE(seteuid(other) == 0);
    const auto refused = check_owner(directory.path());
    BOOST_TEST_REQUIRE(seteuid(0) == 0);
    BOOST_TEST_REQUIRE(!refused.has_value());
    BOOST_TEST((refused.error().code == Code::not_owner));
    BOOST_TEST(describe(refused.error()) ==
               directory.path().string() +
                   " belongs to root: run the command as that user (sudo -u root) or as root");
}

BOOST_AUTO_TEST_CASE(error_of_a_wrong_path_names_the_path) {
    const std::string missing = path("missing");
    const auto text_of = [](const auto& result) { return describe(result.error()); };
    BOOST_TEST(text_of(files.list(missing)) ==
               "cannot list " + missing + ": No such file or directory");
    BOOST_TEST(text_of(files.open(missing + "/a", Files::Open::create)) ==
               "cannot open " + missing + "/a: No such file or directory");
    BOOST_TEST(text_of(files.lock(missing)) ==
               "cannot open the directory " + missing + ": No such file or directory");
    create("file");
    BOOST_TEST(text_of(files.make_directories(path("file/x"))) ==
               "cannot create the directory " + path("file/x") + ": Not a directory");
    BOOST_TEST(describe(check_directory(missing, "state_dir").error()) ==
               "no such directory: " + missing + " (see state_dir)");
    BOOST_TEST(check_directory(directory.path(), "state_dir").has_value());
}

BOOST_AUTO_TEST_CASE(file_beyond_the_size_limit_of_the_process_is_a_full_disk) {
    const auto file = create("large");
    rlimit before{};
    BOOST_TEST(getrlimit(RLIMIT_FSIZE, &before) == 0);
    rlimit low = before;
    low.rlim_cur = 4096;
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);  // The daemon ignores SIGXFSZ, too.
    const std::vector<std::byte> bytes(8192);
    BOOST_TEST(setrlimit(RLIMIT_FSIZE, &low) == 0);
    const auto written = file->write(0, bytes);
    BOOST_TEST(setrlimit(RLIMIT_FSIZE, &before) == 0);
    std::signal(SIGXFSZ, handler);
    BOOST_REQUIRE(!written.has_value());
    BOOST_TEST((written.error().code == Code::disk_full));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
