#include "daemon/reload.h"

#include <boost/test/unit_test.hpp>

#include "pipeline/base/wakeup.h"
#include "tests/support/standard_error.h"

using namespace rollcall;

namespace {

constexpr std::chrono::seconds patience{30};

struct ReloadsFixture {
    ReloadableFiles::Read reader(std::string& wrong) {
        return [&]() -> Result<void> {
            ++reads;
            if (wrong.empty()) return {};
            return fail(Code::bad_file, wrong);
        };
    }
    ReloadableFiles reloads;
    std::string tokens_wrong;
    std::string keys_wrong;
    int reads = 0;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(reload, ReloadsFixture)

BOOST_AUTO_TEST_CASE(files_that_are_wrong_at_start_are_an_error_and_not_read_again) {
    tokens_wrong = "tokens:2: nonsense";
    const auto added = reloads.add(reader(tokens_wrong));
    BOOST_TEST_REQUIRE(!added.has_value());
    BOOST_TEST(describe(added.error()) == tokens_wrong);
    reloads.read_again();
    BOOST_TEST(reads == 1);
}

BOOST_AUTO_TEST_CASE(files_that_a_reload_cannot_read_are_counted_and_said_until_one_can) {
    BOOST_TEST(reloads.add(reader(tokens_wrong)).has_value());
    BOOST_TEST(reloads.add(reader(keys_wrong)).has_value());
    BOOST_TEST(reloads.health_messages().empty());
    tokens_wrong = "tokens:2: nonsense";
    const std::string said = standard_error_of([&] { reloads.read_again(); });
    const std::string sentence =
        "tokens:2: nonsense; all files of the same section keep their previous contents";
    BOOST_TEST(said.find(sentence) != std::string::npos);
    BOOST_TEST(reads == 4);  // The other files are still read.
    BOOST_TEST(reloads.health_messages() == std::vector<std::string>{sentence});
    BOOST_TEST(reloads.shard().read(Metric::reload_errors_total, 0) == 1);
    tokens_wrong.clear();
    BOOST_TEST(standard_error_of([&] { reloads.read_again(); }) == "");
    BOOST_TEST(reloads.health_messages().empty());
    BOOST_TEST(reloads.shard().read(Metric::reload_errors_total, 0) == 1);
}

BOOST_AUTO_TEST_CASE(reload_that_hangs_does_not_hold_up_the_caller) {
    Wakeup file_answers;
    bool hangs = false;
    const auto read = [&]() -> Result<void> {
        if (hangs) file_answers.wait(patience);
        return {};
    };
    BOOST_TEST(reloads.add(read).has_value());
    hangs = true;
    Wakeup done;
    Cursor seconds;
    reloads.start([&] { seconds.advance(seconds.own() + 1); }, [&] { done.notify(); });
    reloads.begin_reload();
    BOOST_TEST(reloads.is_reloading());
    BOOST_TEST(!reloads.try_end_reload());
    BOOST_TEST(reloads.health_messages().empty());
    file_answers.notify();
    done.wait(patience);
    BOOST_TEST(reloads.try_end_reload());
    BOOST_TEST(!reloads.is_reloading());
    BOOST_TEST(!reloads.try_end_reload());
    reloads.stop();
    BOOST_TEST(seconds.read() > 0);
}

BOOST_AUTO_TEST_SUITE_END()
