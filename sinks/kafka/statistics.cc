#include "sinks/kafka/statistics.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

namespace rollcall {

namespace {

template <class Use>
void for_each_number(std::string_view json, std::string_view name, const Use& use) {
    // The library writes no space before a number.
    const std::string key = fmt::format("\"{}\":", name);
    for (size_t at = json.find(key); at != json.npos; at = json.find(key, at)) {
        at += key.size();
        int64_t number = 0;
        if (std::from_chars(json.data() + at, json.data() + json.size(), number).ec == std::errc{})
            use(number);
    }
}

int64_t sum_of(std::string_view json, std::string_view name) {
    int64_t sum = 0;
    for_each_number(json, name, [&](int64_t number) { sum += number; });
    return sum;
}

// Returns the last number with this name. The last number is the total, because the numbers of the
// topics come before it.
int64_t last_of(std::string_view json, std::string_view name) {
    int64_t last = 0;
    for_each_number(json, name, [&](int64_t number) { last = number; });
    return last;
}

// Returns the longest average round trip among the brokers.
int64_t round_trip_of(std::string_view json) {
    int64_t longest = 0;
    constexpr std::string_view window = "\"rtt\":";
    for (size_t at = json.find(window); at != json.npos; at = json.find(window, at + 1)) {
        const std::string_view inside = json.substr(at, json.find('}', at) - at);
        for_each_number(inside, "avg", [&](int64_t us) { longest = std::max(longest, us); });
    }
    return longest;
}

int64_t brokers_up_of(std::string_view json) {
    int64_t up = 0;
    constexpr std::string_view state = "\"state\":\"UP\"";
    for (size_t at = json.find(state); at != json.npos; at = json.find(state, at + 1)) ++up;
    return up;
}

}  // namespace

KafkaStatistics read_kafka_statistics(std::string_view json) {
    return {.messages = last_of(json, "txmsgs"),
            .sent_bytes = last_of(json, "tx_bytes"),
            .request_retries = sum_of(json, "txretries"),
            .request_errors = sum_of(json, "txerrs"),
            .queue_messages = last_of(json, "msg_cnt"),
            .queue_bytes = last_of(json, "msg_size"),
            .brokers_up = brokers_up_of(json),
            .round_trip_us = round_trip_of(json)};
}

}  // namespace rollcall
