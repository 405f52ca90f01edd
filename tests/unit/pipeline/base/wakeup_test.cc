#include "pipeline/base/wakeup.h"

#include <sys/resource.h>

#include <boost/test/unit_test.hpp>
#include <memory>

using namespace rollcall;
using namespace std::chrono_literals;

namespace {

// While an object exists, this process can open no further file.
class NoFreeDescriptors {
public:
    NoFreeDescriptors() {
        getrlimit(RLIMIT_NOFILE, &before_);
        const rlimit none{0, before_.rlim_max};
        setrlimit(RLIMIT_NOFILE, &none);
    }
    ~NoFreeDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(base_wakeup)

BOOST_AUTO_TEST_CASE(notification_before_the_wait_ends_it_at_once) {
    Wakeup wakeup;
    BOOST_TEST(wakeup.check().has_value());
    const auto begin = std::chrono::steady_clock::now();
    wakeup.notify();
    wakeup.notify();
    wakeup.wait(1h);
    wakeup.wait(1ms);  // The first wait() took both notifications.
    BOOST_TEST((std::chrono::steady_clock::now() - begin < 1min));
}

BOOST_AUTO_TEST_CASE(without_a_free_descriptor_the_error_is_reported_and_waits_end) {
    std::unique_ptr<Wakeup> wakeup;
    {
        const NoFreeDescriptors none;
        wakeup = std::make_unique<Wakeup>();
    }
    const auto checked = wakeup->check();
    BOOST_TEST_REQUIRE(!checked.has_value());
    BOOST_TEST((checked.error().code == Code::too_many_files));
    BOOST_TEST(checked.error().os_errno == EMFILE);
    wakeup->notify();
    wakeup->wait(1ms);
}

BOOST_AUTO_TEST_SUITE_END()
