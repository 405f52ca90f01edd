// A precondition of test cases that need root, because they change owners or become another user.
// For other users, Boost.Test reports these cases as skipped.
#pragma once

#include <unistd.h>

#include <boost/test/unit_test.hpp>

namespace rollcall {

struct is_root {
    boost::test_tools::assertion_result operator()(boost::unit_test::test_unit_id) const {
        boost::test_tools::assertion_result is(geteuid() == 0);
        is.message() << "only root can run it";
        return is;
    }
};

}  // namespace rollcall
