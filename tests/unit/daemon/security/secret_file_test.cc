#include "daemon/security/secret_file.h"

#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace rollcall {

namespace {

struct FileFixture {
    Result<void> read(std::string_view text) {
        std::ofstream(path) << text;
        all.clear();
        return read_secret_file(
            path, [this](std::span<const std::string_view> words, uint32_t line) -> Result<void> {
                all += std::to_string(line) + ":";
                for (const std::string_view word : words) all.append(word).append(",");
                if (words[0] == "bad") return fail(Code::bad_file, "is bad");
                return {};
            });
    }
    std::string problem(std::string_view text) { return describe(read(text).error()); }

    TemporaryDirectory directory;
    std::string path = directory.path() / "f";
    std::string all;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(security_secret_file, FileFixture)

BOOST_AUTO_TEST_CASE(lines_are_split_at_blanks_and_comments_and_empty_lines_are_skipped) {
    BOOST_TEST(read("# head\n\na b\tc\n   d  \r\n #x\ne f g h").has_value());
    BOOST_TEST(all == "3:a,b,c,4:d,6:e,f,g,h,");
}

BOOST_AUTO_TEST_CASE(first_wrong_line_is_named_with_its_reason_and_ends_the_reading) {
    BOOST_TEST(problem("a\nbad x\nb\n") == path + ":2: is bad");
    BOOST_TEST(all == "1:a,2:bad,x,");
    BOOST_TEST(problem("a b c d e\n") == path + ":1: has too many words");
}

BOOST_AUTO_TEST_CASE(file_that_cannot_be_read_is_named_with_the_reason) {
    BOOST_TEST(describe(read_secret_file(path + "x", {}).error()) ==
               path + "x: No such file or directory");
    BOOST_TEST(describe(read_secret_file(directory.path(), {}).error()) ==
               directory.path().string() + ": Is a directory");
}

BOOST_AUTO_TEST_CASE(file_that_everyone_may_read_gives_a_warning) {
    BOOST_TEST(read("a").has_value());
    chmod(path.c_str(), 0640);
    BOOST_TEST(permission_warning(path) == "");
    chmod(path.c_str(), 0644);
    BOOST_TEST(permission_warning(path).starts_with(path));
    BOOST_TEST(permission_warning("") == "");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
