#include "sinks/discard_sink.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/rows.h"

namespace rollcall {

BOOST_AUTO_TEST_SUITE(discard_sink)

BOOST_AUTO_TEST_CASE(batch_is_taken_and_only_its_end_remembered) {
    DiscardSink sink;
    BOOST_TEST(sink.open({}).value().next_record == 0);
    const Columns rows = one_row("S", 1);
    BOOST_TEST(sink.write({rows, 0, 9}).has_value());
    BOOST_TEST(sink.open({}).value().next_record == 9);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
