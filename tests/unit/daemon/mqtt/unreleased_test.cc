#include "daemon/mqtt/unreleased.h"

#include <boost/test/unit_test.hpp>
#include <string>

namespace rollcall {

namespace {

std::string state_of(MqttUnreleased& unreleased, uint16_t packet_id, uint64_t connection) {
    switch (unreleased.state_of(packet_id, connection)) {
        case MqttUnreleased::State::unknown: return "unknown";
        case MqttUnreleased::State::stored: return "stored";
        case MqttUnreleased::State::unsettled: return "unsettled";
    }
    return {};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mqtt_unreleased)

BOOST_AUTO_TEST_CASE(message_is_known_to_its_own_connection_at_once_and_to_the_next_when_settled) {
    MemoryBudget memory;
    MqttUnreleased unreleased(memory);
    unreleased.add(7, 1, 100);
    BOOST_TEST(state_of(unreleased, 7, 1) == "stored");
    BOOST_TEST(state_of(unreleased, 8, 1) == "unknown");
    BOOST_TEST(state_of(unreleased, 7, 2) ==
               "unsettled");  // The message is perhaps not on disk yet.
    unreleased.settle(1, 100);
    BOOST_TEST(state_of(unreleased, 7, 2) == "stored");
}

BOOST_AUTO_TEST_CASE(message_whose_answer_was_never_heard_is_forgotten_with_its_connection) {
    MemoryBudget memory;
    MqttUnreleased unreleased(memory);
    unreleased.add(1, 1, 100);
    unreleased.add(2, 1, 101);
    unreleased.add(3, 2, 500);  // Settling connection 1 must not affect a message of connection 2.
    unreleased.settle(1, 100);
    BOOST_TEST(state_of(unreleased, 1, 9) == "stored");
    BOOST_TEST(state_of(unreleased, 2, 9) == "unknown");
    BOOST_TEST(state_of(unreleased, 3, 2) == "stored");
    BOOST_TEST(unreleased.size() == 2u);
}

BOOST_AUTO_TEST_CASE(message_is_released_once) {
    MemoryBudget memory;
    MqttUnreleased unreleased(memory);
    unreleased.add(7, 1, 100);
    BOOST_TEST(unreleased.release(7));
    BOOST_TEST(state_of(unreleased, 7, 1) == "unknown");
    BOOST_TEST(!unreleased.release(7));
}

BOOST_AUTO_TEST_CASE(messages_are_charged_to_the_budget_which_limits_them) {
    MemoryBudget memory(10'000);
    {
        MqttUnreleased unreleased(memory);
        uint16_t messages = 0;
        while (messages < 1000 && unreleased.has_memory()) unreleased.add(++messages, 1, 4);
        BOOST_TEST(messages >= 200);
        BOOST_TEST(messages < 600);
        BOOST_TEST(memory.used() >= messages * 18);
        unreleased.settle(1, 4);
        const int64_t kept = memory.used();
        BOOST_TEST(kept <= messages * 24);
        // A session that uses little memory may still add messages.
        MqttUnreleased other(memory);
        BOOST_TEST(other.has_memory());
    }
    BOOST_TEST(memory.used() == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
