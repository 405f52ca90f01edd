#include "daemon/reload.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/standard_error.h"

using namespace rollcall;

namespace {

struct ReloadsFixture {
    ReloadableFiles::Read reader(std::string& wrong) {
        return [&]() -> std::expected<void, std::string> {
            ++reads;
            if (wrong.empty()) return {};
            return std::unexpected(wrong);
        };
    }
    ReloadableFiles reloads;
    std::string tokens_wrong;
    std::string keys_wrong;
    int reads = 0;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(reload, ReloadsFixture)

BOOST_AUTO_TEST_CASE(files_that_are_wrong_at_start_are_said_and_not_read_again) {
    tokens_wrong = "tokens:2: nonsense";
    const std::string said =
        standard_error_of([&] { BOOST_TEST(!reloads.begin(reader(tokens_wrong))); });
    BOOST_TEST(said.find(tokens_wrong) != std::string::npos);
    reloads.read_again();
    BOOST_TEST(reads == 1);
}

BOOST_AUTO_TEST_CASE(files_that_a_reload_cannot_read_are_counted_and_said_until_one_can) {
    BOOST_TEST(reloads.begin(reader(tokens_wrong)));
    BOOST_TEST(reloads.begin(reader(keys_wrong)));
    BOOST_TEST(reloads.health_messages().empty());
    tokens_wrong = "tokens:2: nonsense";
    const std::string said = standard_error_of([&] { reloads.read_again(); });
    const std::string sentence = "tokens:2: nonsense; what was read before stays";
    BOOST_TEST(said.find(sentence) != std::string::npos);
    BOOST_TEST(reads == 4);  // The others are read all the same.
    BOOST_TEST(reloads.health_messages() == std::vector<std::string>{sentence});
    BOOST_TEST(reloads.shard().read(Metric::reload_errors_total, 0) == 1);
    tokens_wrong.clear();
    BOOST_TEST(standard_error_of([&] { reloads.read_again(); }) == "");
    BOOST_TEST(reloads.health_messages().empty());
    BOOST_TEST(reloads.shard().read(Metric::reload_errors_total, 0) == 1);
}

BOOST_AUTO_TEST_SUITE_END()
