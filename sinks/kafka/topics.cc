#include "sinks/kafka/topics.h"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "pipeline/base/log.h"

namespace rollcall {

KafkaTopics::KafkaTopics(rd_kafka_t* handle, const Settings& settings, KafkaFailure& failure)
    : handle_(handle), settings_(settings), failure_(failure) {
    const auto& kafka = settings.kafka;
    rows_.reset(rd_kafka_topic_new(handle, kafka.topic.c_str(), nullptr));
    positions_.reset(rd_kafka_topic_new(handle, kafka.position_topic.c_str(), nullptr));
    dead_letters_.reset(rd_kafka_topic_new(handle, kafka.dead_letter_topic.c_str(), nullptr));
}

// Returns the number of partitions, or nothing if the topic does not exist.
Result<std::optional<size_t>> KafkaTopics::partitions_of(const KafkaTopic& topic,
                                                         const KafkaDeadline& deadline) {
    for (;;) {
        const rd_kafka_metadata_t* metadata = nullptr;
        rd_kafka_resp_err_t code = rd_kafka_metadata(handle_, 0, topic.get(), &metadata,
                                                     deadline.left_ms(kafka_patience * 4));
        rd_kafka_poll(handle_, 0);
        size_t count = 0;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            code = metadata->topics[0].err;
            count = static_cast<size_t>(metadata->topics[0].partition_cnt);
            rd_kafka_metadata_destroy(metadata);
        }
        if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) return std::nullopt;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR && count > 0) return count;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) code = RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
        if (!is_passing(code) || failure_.is_hopeless() || deadline.over()) {
            const auto failed =
                failure_.check(code, fmt::format("topic {}: {}", rd_kafka_topic_name(topic.get()),
                                                 rd_kafka_err2str(code)));
            return std::unexpected(failed.error());
        }
    }
}

auto KafkaTopics::find_missing(const KafkaDeadline& deadline) -> Result<TopicList> {
    TopicList missing;
    for (const KafkaTopic* topic : {&rows_, &positions_, &dead_letters_}) {
        const auto count = partitions_of(*topic, deadline);
        if (!count) return std::unexpected(count.error());
        if (!*count) missing.push_back(topic);
        if (topic == &rows_) partitions_ = count->value_or(0);
    }
    return missing;
}

Result<void> KafkaTopics::find(const KafkaDeadline& deadline) {
    if (!rows_ || !positions_ || !dead_letters_)
        return failure_.check(
            RD_KAFKA_RESP_ERR__INVALID_ARG,
            "kafka.topic, kafka.position_topic or kafka.dead_letter_topic is not a valid name");
    bool created = false;
    for (;;) {
        const auto missing = find_missing(deadline);
        if (!missing) return std::unexpected(missing.error());
        if (missing->empty()) return {};
        if (!settings_.kafka.create_topics || deadline.over())
            return failure_.check(
                RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
                fmt::format("there is no topic {}", rd_kafka_topic_name(missing->front()->get())));
        if (!std::exchange(created, true))
            if (auto made = create(*missing, deadline); !made) return made;
    }
}

Result<void> KafkaTopics::create(const TopicList& missing, const KafkaDeadline& deadline) {
    const auto& kafka = settings_.kafka;
    const auto or_default = [](Count count) { return count == 0 ? -1 : static_cast<int>(count); };
    std::vector<KafkaOwned<rd_kafka_NewTopic_t, rd_kafka_NewTopic_destroy>> wanted;
    std::vector<rd_kafka_NewTopic_t*> pointers;
    char problem[512];
    for (const KafkaTopic* topic : missing) {
        auto& made = wanted.emplace_back(rd_kafka_NewTopic_new(
            rd_kafka_topic_name(topic->get()), topic == &rows_ ? or_default(kafka.partitions) : 1,
            or_default(kafka.replicas), problem, sizeof problem));
        if (!made) return failure_.check(RD_KAFKA_RESP_ERR__INVALID_ARG, problem);
        // With min.insync.replicas = 2, each acknowledged row is on at least two brokers, and one
        // of three brokers can be down.
        if (kafka.replicas >= 3)
            rd_kafka_NewTopic_set_config(made.get(), "min.insync.replicas", "2");
        if (topic == &positions_) {
            // Small segments, because Kafka compacts only closed segments.
            for (const auto& [key, value] :
                 {std::pair{"cleanup.policy", "compact"}, std::pair{"segment.bytes", "16777216"}})
                rd_kafka_NewTopic_set_config(made.get(), key, value);
        }
        pointers.push_back(made.get());
    }
    const KafkaQueue queue(rd_kafka_queue_new(handle_));
    rd_kafka_CreateTopics(handle_, pointers.data(), pointers.size(), nullptr, queue.get());
    const KafkaEvent answer(rd_kafka_queue_poll(queue.get(), deadline.left_ms()));
    if (!answer) return failure_.check(RD_KAFKA_RESP_ERR__TIMED_OUT);
    return check_created(answer.get());
}

Result<void> KafkaTopics::check_created(const rd_kafka_event_t* answer) {
    auto* const event = const_cast<rd_kafka_event_t*>(answer);
    if (auto answered = failure_.check(rd_kafka_event_error(event)); !answered) return answered;
    size_t count = 0;
    const auto* const results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    for (size_t i = 0; i < count; ++i) {
        const auto code = rd_kafka_topic_result_error(results[i]);
        const char* const name = rd_kafka_topic_result_name(results[i]);
        if (code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) continue;
        const char* const why = rd_kafka_topic_result_error_string(results[i]);
        if (auto created =
                failure_.check(code, fmt::format("topic {} cannot be created: {}", name,
                                                 why != nullptr ? why : rd_kafka_err2str(code)));
            !created)
            return created;
        log(LogLevel::notice,
            {.message = "sink kafka: topic created", .details = {{"topic", name}}});
    }
    return {};
}

Result<void> KafkaTopics::check_compaction(const KafkaDeadline& deadline) {
    const KafkaOwned<rd_kafka_ConfigResource_t, rd_kafka_ConfigResource_destroy> topic(
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC,
                                    settings_.kafka.position_topic.c_str()));
    const KafkaQueue queue(rd_kafka_queue_new(handle_));
    rd_kafka_ConfigResource_t* asked[] = {topic.get()};
    rd_kafka_DescribeConfigs(handle_, asked, 1, nullptr, queue.get());
    const KafkaEvent answer(rd_kafka_queue_poll(queue.get(), deadline.left_ms(kafka_patience * 2)));
    if (!answer || rd_kafka_event_error(answer.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) return {};
    size_t count = 0;
    const auto* const resources = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(answer.get()), &count);
    size_t entries_count = 0;
    const auto* const entries =
        count == 0 ? nullptr : rd_kafka_ConfigResource_configs(resources[0], &entries_count);
    for (size_t i = 0; i < entries_count; ++i) {
        const char* const value = rd_kafka_ConfigEntry_value(entries[i]);
        if (std::string_view(rd_kafka_ConfigEntry_name(entries[i])) != "cleanup.policy" ||
            value == nullptr || std::string_view(value) == "compact")
            continue;
        return failure_.check(
            RD_KAFKA_RESP_ERR_POLICY_VIOLATION,
            fmt::format("topic {} has cleanup.policy={}; it must be compact, or Kafka "
                        "deletes the daemon's positions after a while",
                        settings_.kafka.position_topic, value));
    }
    return {};
}

Result<void> KafkaTopics::check_replicas() {
    const rd_kafka_metadata_t* metadata = nullptr;
    if (rd_kafka_metadata(handle_, 0, rows_.get(), &metadata,
                          static_cast<int>(kafka_patience.count())) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return {};
    const KafkaOwned<const rd_kafka_metadata_t, rd_kafka_metadata_destroy> owned(metadata);
    const auto& topic = metadata->topics[0];
    const auto lacking = std::count_if(
        topic.partitions, topic.partitions + topic.partition_cnt,
        [](const auto& partition) { return partition.isr_cnt < partition.replica_cnt; });
    if (lacking == 0) return {};
    return std::unexpected(
        kafka_error(RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
                    fmt::format("topic {}: replicas of {} of {} partitions are not in sync",
                                topic.topic, lacking, topic.partition_cnt)));
}

std::optional<int64_t> KafkaTopics::end_of_rows(const KafkaDeadline& deadline) const {
    const auto count = static_cast<int>(partitions_);
    const KafkaOwned<rd_kafka_topic_partition_list_t, rd_kafka_topic_partition_list_destroy> ends(
        rd_kafka_topic_partition_list_new(count));
    rd_kafka_topic_partition_list_add_range(ends.get(), settings_.kafka.topic.c_str(), 0,
                                            count - 1);
    // For "latest", the broker accepts RD_KAFKA_OFFSET_END in place of a time.
    for (int i = 0; i < count; ++i) ends->elems[i].offset = RD_KAFKA_OFFSET_END;
    if (rd_kafka_offsets_for_times(handle_, ends.get(), deadline.left_ms()) !=
        RD_KAFKA_RESP_ERR_NO_ERROR)
        return std::nullopt;
    int64_t sum = 0;
    for (int i = 0; i < count; ++i) {
        if (ends->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR) return std::nullopt;
        sum += ends->elems[i].offset;
    }
    return sum;
}

}  // namespace rollcall
