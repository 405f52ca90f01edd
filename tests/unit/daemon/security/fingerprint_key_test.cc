#include "daemon/security/fingerprint_key.h"

#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/temporary_directory.h"

namespace rollcall {

namespace {

const std::string some_key = "0123456789abcdef0123456789abcdef";

struct KeyFixture {
    void write(std::string_view content, mode_t mode = 0600) const {
        std::filesystem::remove(path);
        std::ofstream(path) << content;
        chmod(path.c_str(), mode);
    }
    [[nodiscard]] KeyedHash::Key read() const { return read_fingerprint_key(path).value(); }
    [[nodiscard]] std::string problem() const {
        const auto key = read_fingerprint_key(path);
        return key ? "" : describe(key.error());
    }
    // Returns the explanation after the path.
    [[nodiscard]] std::string reason() const {
        BOOST_TEST(problem().starts_with(path + ": "));
        return problem().substr(path.size() + 2);
    }

    TemporaryDirectory directory;
    std::string path = directory.path() / "key";
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(security_fingerprint_key, KeyFixture)

BOOST_AUTO_TEST_CASE(key_depends_on_the_content_but_not_on_trailing_blanks) {
    write(some_key);
    const auto key = read();
    write(some_key + " \r\n\n");
    BOOST_TEST((read() == key));
    write(" " + some_key);
    BOOST_TEST((read() != key));
    write(some_key, 0640);
    BOOST_TEST((read() == key));
}

BOOST_AUTO_TEST_CASE(unsuitable_file_is_refused_with_the_reason) {
    BOOST_TEST(problem() == path + ": No such file or directory");
    write(some_key.substr(1));
    BOOST_TEST(reason() ==
               "has 31 bytes, but a key has 32 to 4096; make one with: head -c 32 /dev/urandom | "
               "base64");
    write(std::string(4097, 'x'));
    BOOST_TEST(reason().starts_with("has 4097 bytes"));
    write(std::string(100, '\n'));
    BOOST_TEST(reason() == "holds almost nothing but blanks");
    for (const mode_t mode : {0604, 0602, 0644}) {
        write(some_key, mode);
        BOOST_TEST(reason() == "can be used by everyone on this machine; chmod o-rwx");
    }
    std::filesystem::remove(path);
    std::filesystem::create_directory(path);
    BOOST_TEST(reason() == "is not a regular file");
}

BOOST_AUTO_TEST_CASE(key_of_a_state_directory_is_created_once_for_its_owner_only) {
    const std::string state_dir = directory.path();
    const auto key = own_fingerprint_key(state_dir).value();
    BOOST_TEST((own_fingerprint_key(state_dir).value() == key));
    struct stat file{};
    BOOST_TEST_REQUIRE(stat((state_dir + "/fingerprint_key").c_str(), &file) == 0);
    BOOST_TEST((file.st_mode & 0777) == 0600);
    BOOST_TEST(std::distance(std::filesystem::directory_iterator(state_dir), {}) == 1);
    // An operator can give this file to other daemons as a shared key.
    BOOST_TEST((read_fingerprint_key(state_dir + "/fingerprint_key").value() == key));
    const TemporaryDirectory other;
    BOOST_TEST((own_fingerprint_key(other.path()).value() != key));
}

BOOST_AUTO_TEST_CASE(damaged_key_of_a_state_directory_is_not_replaced) {
    path = directory.path() / "fingerprint_key";
    write("");
    const auto key = own_fingerprint_key(directory.path());
    BOOST_TEST_REQUIRE(!key.has_value());
    BOOST_TEST((key.error().code == Code::bad_file));
    BOOST_TEST(std::filesystem::file_size(path) == 0);
    BOOST_TEST(!own_fingerprint_key("/nonexistent").has_value());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
