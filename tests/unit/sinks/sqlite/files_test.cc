#include "sinks/sqlite/files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "tests/support/is_root.h"
#include "tests/support/temporary_directory.h"

namespace rollcall {

namespace {

namespace fs = std::filesystem;

struct SqliteFilesFixture {
    SqliteFilesFixture() {
        BOOST_TEST_REQUIRE(files.prepare().has_value());
        for (const char* suffix : {"-wal", "-shm"}) std::ofstream(path + suffix) << "x";
        BOOST_TEST_REQUIRE(files.remember().has_value());
        BOOST_TEST_REQUIRE(files.check().has_value());
    }

    [[nodiscard]] std::string changed() {
        const auto checked = files.check();
        if (checked) return "";
        BOOST_TEST((checked.error().code == Code::file_replaced));
        const std::string text = describe(checked.error());
        return text.substr(0, text.find(' '));
    }

    TemporaryDirectory directory;
    std::string path = (directory.path() / "a.db").string();
    SqliteFiles files{path};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(sqlite_files, SqliteFilesFixture)

BOOST_AUTO_TEST_CASE(missing_directory_is_named_with_its_setting) {
    const std::string missing = directory.path() / "missing/";
    const auto prepared = SqliteFiles(missing + "a.db").prepare();
    BOOST_TEST_REQUIRE(!prepared.has_value());
    BOOST_TEST(describe(prepared.error()) ==
               "no such directory: " + missing + " (see sqlite.path)");
}

BOOST_AUTO_TEST_CASE(each_file_that_is_removed_moved_or_replaced_is_named) {
    for (const char* suffix : {"", "-wal", "-shm"}) {
        const std::string file = path + suffix;
        fs::rename(file, file + ".moved");
        BOOST_TEST(changed() == file);
        std::ofstream(file + ".other") << "y";
        fs::rename(file + ".other", file);
        BOOST_TEST(changed() == file);
        fs::rename(file + ".moved", file);
        BOOST_TEST(changed() == "");
        fs::rename(file, file + ".moved");
        // Through this link, the old name still leads to the same file.
        fs::create_symlink(file + ".moved", file);
        BOOST_TEST(changed() == "");
        fs::remove(file);
        fs::rename(file + ".moved", file);
    }
}

BOOST_AUTO_TEST_CASE(database_without_a_wal_has_one_file) {
    SqliteFiles other(path + ".b");
    BOOST_TEST(other.prepare().has_value());
    BOOST_TEST(other.remember().has_value());
    std::ofstream(path + ".b-wal") << "x";
    BOOST_TEST(other.check().has_value());
}

BOOST_AUTO_TEST_CASE(database_that_is_replaced_while_it_is_opened_is_refused) {
    SqliteFiles other(path);
    BOOST_TEST(other.prepare().has_value());
    fs::rename(path, path + ".moved");
    std::ofstream(path) << "y";
    BOOST_TEST((other.remember().error().code == Code::file_replaced));
}

BOOST_AUTO_TEST_CASE(wal_of_a_database_that_is_there_stays) {
    BOOST_TEST(files.remove_orphans(SqliteFiles::Wal::empty).has_value());
    BOOST_TEST(fs::exists(path + "-wal"));
    BOOST_TEST(fs::exists(path + "-shm"));
}

BOOST_AUTO_TEST_CASE(wal_of_a_database_that_is_gone_is_removed_or_kept_under_another_name) {
    fs::remove(path);
    fs::remove(path + "-shm");
    std::ofstream(path + "-shm") << "y";  // This file belongs to another program.
    BOOST_TEST(files.remove_orphans(SqliteFiles::Wal::holds_commits).has_value());
    BOOST_TEST(!fs::exists(path + "-wal"));
    BOOST_TEST(fs::exists(path + "-wal.orphan"));
    BOOST_TEST(fs::exists(path + "-shm"));
    fs::rename(path + "-wal.orphan", path + "-wal");
    BOOST_TEST(files.remove_orphans(SqliteFiles::Wal::empty).has_value());
    BOOST_TEST(!fs::exists(path + "-wal"));
    BOOST_TEST(!fs::exists(path + "-wal.orphan"));
}

BOOST_AUTO_TEST_CASE(wal_of_a_database_that_was_moved_from_a_killed_daemon_is_kept) {
    for (const char* orphan : {"-wal.orphan", "-wal.orphan.1"}) {
        if (fs::exists(path)) fs::remove(path);
        std::ofstream(path + "-wal") << "commits";
        SqliteFiles later(path);
        BOOST_TEST(later.prepare().has_value());
        BOOST_TEST(fs::exists(path));
        BOOST_TEST(!fs::exists(path + "-wal"));
        BOOST_TEST(!fs::exists(path + "-shm"));
        BOOST_TEST(fs::exists(path + orphan));
    }
    std::ofstream(path + "-wal") << "commits";  // The database is empty, so this is not its WAL.
    BOOST_TEST(SqliteFiles(path).prepare().has_value());
    BOOST_TEST(fs::exists(path + "-wal.orphan.2"));
    std::ofstream(path) << "x";
    std::ofstream(path + "-wal") << "commits";
    BOOST_TEST(SqliteFiles(path).prepare().has_value());
    BOOST_TEST(fs::exists(path + "-wal"));
}

BOOST_AUTO_TEST_CASE(new_database_of_root_belongs_to_the_owner_of_its_directory,
                     *boost::unit_test::precondition(is_root())) {
    constexpr uid_t owner = 12345;
    BOOST_TEST_REQUIRE(chown(directory.path().c_str(), owner, owner) == 0);
    SqliteFiles other(path + ".b");
    BOOST_TEST(other.prepare().has_value());
    struct stat status{};
    BOOST_TEST_REQUIRE(stat((path + ".b").c_str(), &status) == 0);
    BOOST_TEST(status.st_uid == owner);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
