// The main function of all test programs. It is compiled only once.
#define BOOST_TEST_MODULE rollcall
#include <boost/test/unit_test.hpp>
