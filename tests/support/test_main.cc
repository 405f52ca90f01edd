// The main function of every test program, once.
#define BOOST_TEST_MODULE rollcall
#include <boost/test/unit_test.hpp>
