#include "daemon/open_files.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

using namespace rollcall;

BOOST_AUTO_TEST_SUITE(open_files)

BOOST_AUTO_TEST_CASE(connections_take_what_the_spool_and_the_sinks_leave) {
    using rollcall::open_files::connections_within;
    BOOST_TEST(connections_within(8192, 1'000'000) == 8192);
    BOOST_TEST(connections_within(8192, 1024) == 896);
    BOOST_TEST(connections_within(8192, 20) == 1);
}

BOOST_AUTO_TEST_CASE(limit_is_raised_to_the_hard_limit) {
    rlimit before{};
    BOOST_TEST(getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit low = before;
    low.rlim_cur = before.rlim_max / 2;
    BOOST_TEST(setrlimit(RLIMIT_NOFILE, &low) == 0);
    BOOST_TEST(rollcall::open_files::raise_limit() == before.rlim_max);
    rlimit after{};
    BOOST_TEST(getrlimit(RLIMIT_NOFILE, &after) == 0);
    BOOST_TEST(after.rlim_cur == before.rlim_max);
    BOOST_TEST(setrlimit(RLIMIT_NOFILE, &before) == 0);
}

BOOST_AUTO_TEST_CASE(standard_streams_that_are_closed_are_replaced) {
    const pid_t child = fork();
    if (child == 0) {
        for (const int fd : {0, 1, 2}) close(fd);
        rollcall::open_files::open_standard_streams();
        const int next = open("/dev/null", O_RDONLY);
        _exit(next > 2 && fcntl(0, F_GETFD) != -1 && fcntl(2, F_GETFD) != -1 ? 0 : 1);
    }
    int status = -1;
    BOOST_TEST(waitpid(child, &status, 0) == child);
    BOOST_TEST(status == 0);
}

BOOST_AUTO_TEST_SUITE_END()
