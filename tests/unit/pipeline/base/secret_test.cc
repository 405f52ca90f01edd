#include "pipeline/base/secret.h"

#include <boost/test/unit_test.hpp>
#include <fstream>

#include "tests/support/temporary_directory.h"

using namespace rollcall;

BOOST_AUTO_TEST_SUITE(base_secret)

BOOST_AUTO_TEST_CASE(secret_is_the_file_without_one_line_feed_at_its_end) {
    const TemporaryDirectory directory;
    const std::string path = directory.path() / "password";
    const auto read = [&](std::string_view content) {
        std::ofstream(path) << content;
        return read_secret(path).value();
    };
    BOOST_TEST(read("s3cret\n") == "s3cret");
    BOOST_TEST(read("s3cret") == "s3cret");
    BOOST_TEST(read("s3cret\n\n") == "s3cret\n");
    BOOST_TEST(read("\n") == "");
    BOOST_TEST(read("") == "");
}

BOOST_AUTO_TEST_CASE(empty_path_is_an_empty_secret) { BOOST_TEST(read_secret("").value() == ""); }

BOOST_AUTO_TEST_CASE(unreadable_file_is_named_with_the_reason) {
    const TemporaryDirectory directory;
    BOOST_TEST(describe(read_secret("/nonexistent/password").error()) ==
               "/nonexistent/password: No such file or directory");
    BOOST_TEST(!read_secret(directory.path()).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
