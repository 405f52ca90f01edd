#include "daemon/file_watch.h"

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <thread>

#include "tests/support/manual_clock.h"
#include "tests/support/standard_error.h"
#include "tests/support/temporary_directory.h"

using namespace rollcall;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

struct FileWatchFixture {
    FileWatchFixture() { std::ofstream(path) << "a"; }

    // Returns the log lines of one measurement.
    std::string logged() {
        clock.pass(1s);
        return standard_error_of([&] { watch->measure(); });
    }
    void begin() { watch = std::make_unique<FileWatch>(clock, std::vector<std::string>{path, ""}); }

    TemporaryDirectory directory;
    std::string path = directory.path() / "tokens";
    ManualClock clock;
    std::unique_ptr<FileWatch> watch;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(file_watch, FileWatchFixture)

BOOST_AUTO_TEST_CASE(file_that_changes_is_logged_once_and_shown_until_it_is_read_again) {
    const std::function<void()> changes[] = {
        [&] { fs::remove(path); },
        [&] { fs::rename(path, path + ".old"); },
        [&] {
            std::ofstream(path + ".new") << "b";
            fs::rename(path + ".new", path);
        },
        [&] {
            // The change time of a file has the resolution of the kernel's timer. Without a pause
            // it could stay the same.
            std::this_thread::sleep_for(20ms);
            std::ofstream(path) << "c";
        },
    };
    for (const auto& change : changes) {
        std::ofstream(path) << "a";
        begin();
        BOOST_TEST(logged() == "");
        change();
        // The watch checks the files once a second, so this call does nothing.
        BOOST_TEST(standard_error_of([&] { watch->measure(); }) == "");
        BOOST_TEST(logged().find(path + " was changed, replaced or removed") != std::string::npos);
        BOOST_TEST(logged() == "");
        BOOST_TEST_REQUIRE(watch->health_messages().size() == 1);
        BOOST_TEST(watch->health_messages()[0].starts_with(path + " was changed"));
        watch->remember();
        BOOST_TEST(watch->health_messages().empty());
        BOOST_TEST(logged() == "");
    }
}

BOOST_AUTO_TEST_CASE(every_file_of_credentials_and_certificates_is_watched) {
    Settings settings;
    settings.tls.certificate = {"a.crt", "b.crt"};
    settings.tls.key = {"a.key", "b.key"};
    settings.tls.client_ca = "ca.crt";
    settings.auth.tokens_file = "tokens";
    settings.auth.signing_keys_file = "keys";
    settings.auth.revoked_file = "revoked";
    settings.admin.token_file = "admin";
    const std::vector<std::string> all = {"a.crt",  "b.crt", "a.key",   "b.key", "ca.crt",
                                          "tokens", "keys",  "revoked", "admin"};
    BOOST_TEST(watched_paths(settings) == all, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
