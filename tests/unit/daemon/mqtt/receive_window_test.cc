#include "daemon/mqtt/receive_window.h"

#include <boost/test/unit_test.hpp>

namespace rollcall {

BOOST_AUTO_TEST_SUITE(mqtt_receive_window)

BOOST_AUTO_TEST_CASE(message_of_qos_1_leaves_when_its_acknowledgement_may_be_sent) {
    MqttReceiveWindow window;
    BOOST_TEST(window.size(0) == 0U);
    window.add_qos1(4);
    window.add_qos1(8);
    BOOST_TEST(window.size(0) == 2U);
    BOOST_TEST(window.size(3) == 2U);
    BOOST_TEST(window.size(4) == 1U);
    BOOST_TEST(window.size(8) == 0U);
}

BOOST_AUTO_TEST_CASE(message_of_qos_2_leaves_when_it_is_released) {
    MqttReceiveWindow window;
    window.add_qos2();
    window.add_qos2();
    BOOST_TEST(window.size(UINT64_MAX) == 2U);
    window.release_qos2();
    BOOST_TEST(window.size(UINT64_MAX) == 1U);
    window.release_qos2();
    window.release_qos2();  // A client can also release a message of an earlier connection.
    BOOST_TEST(window.size(UINT64_MAX) == 0U);
}

BOOST_AUTO_TEST_CASE(messages_of_both_kinds_share_the_window) {
    MqttReceiveWindow window;
    window.add_qos1(4);
    window.add_qos2();
    window.add_qos1(12);
    BOOST_TEST(window.size(4) == 2U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
