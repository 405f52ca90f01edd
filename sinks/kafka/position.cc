#include "sinks/kafka/position.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

namespace rollcall {

namespace {

// Number of records to read first, and the factor by which that number grows.
constexpr int64_t records_first = 1024;
constexpr int64_t records_growth = 32;

class PositionReader {
public:
    PositionReader(const Settings& settings, const IncarnationId& incarnation,
                   const KafkaDeadline& deadline, KafkaFailure& failure)
        : settings_(settings),
          topic_(settings.kafka.position_topic),
          incarnation_(incarnation),
          key_(to_text(incarnation)),
          deadline_(deadline),
          failure_(failure) {}

    Result<Position> last() {
        if (const auto connected = connect(); !connected) return std::unexpected(connected.error());
        int64_t low = 0;
        int64_t high = 0;
        if (const auto ends = find_ends(low, high); !ends) return std::unexpected(ends.error());
        for (int64_t back = records_first;; back *= records_growth) {
            const int64_t from = std::max(low, high - back);
            if (const auto scanned = scan(from); !scanned) return std::unexpected(scanned.error());
            if (found_ || from == low) return found_.value_or(Position{});
        }
    }

private:
    Result<void> connect() {
        KafkaConfiguration conf(settings_);
        conf.set("isolation.level", "read_committed");
        conf.set("enable.partition.eof", "true");
        conf.set("auto.offset.reset", "earliest");
        // A short wait lets scan() notice the end of the partition instead of waiting for another
        // record.
        conf.set("fetch.wait.max.ms", "20");
        rd_kafka_conf_set_opaque(conf.get(), this);
        rd_kafka_conf_set_error_cb(conf.get(), on_error);
        const auto made = conf.make(RD_KAFKA_CONSUMER);
        if (!made) return std::unexpected(made.error());
        consumer_.reset(*made);
        return {};
    }

    static void on_error(rd_kafka_t* handle, int code, const char* reason, void* self) {
        auto& reader = *static_cast<PositionReader*>(self);
        reader.failure_.note_event(handle, code, reason, reader.settings_.kafka.brokers.size());
    }

    Result<void> find_ends(int64_t& low, int64_t& high) {
        for (;;) {
            const auto code = rd_kafka_query_watermark_offsets(consumer_.get(), topic_.c_str(), 0,
                                                               &low, &high, deadline_.left_ms());
            if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
            rd_kafka_poll(consumer_.get(), 50);
            if (!is_passing(code) || failure_.is_hopeless() || deadline_.over())
                return failure_.check(code);
        }
    }

    // Reads from offset `from` to the end of the partition.
    Result<void> scan(int64_t from) {
        const KafkaTopic topic(rd_kafka_topic_new(consumer_.get(), topic_.c_str(), nullptr));
        if (!topic || rd_kafka_consume_start(topic.get(), 0, from) != 0)
            return failure_.check(rd_kafka_last_error());
        const auto scanned = consume(topic);
        rd_kafka_consume_stop(topic.get(), 0);
        return scanned;
    }

    Result<void> consume(const KafkaTopic& topic) {
        std::optional<int64_t> end;
        while (!failure_.is_hopeless()) {
            const KafkaOwned<rd_kafka_message_t, rd_kafka_message_destroy> message(
                rd_kafka_consume(topic.get(), 0, deadline_.left_ms(kafka_patience)));
            if (!message || is_passing(message->err)) {
                rd_kafka_poll(consumer_.get(), 0);
                if (!deadline_.over()) continue;
                return failure_.check(
                    RD_KAFKA_RESP_ERR__TIMED_OUT,
                    "no response, or another producer's transaction is still open");
            }
            if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
                if (!end) end = known_end();
                if (message->offset >= *end) return {};
                continue;
            }
            if (auto received = failure_.check(message->err); !received) return received;
            if (auto taken = take(*message); !taken) return taken;
        }
        return std::unexpected(failure_.error());
    }

    [[nodiscard]] int64_t known_end() const {
        int64_t low = 0;
        int64_t high = 0;
        (void)rd_kafka_get_watermark_offsets(consumer_.get(), topic_.c_str(), 0, &low, &high);
        return high;
    }

    Result<void> take(const rd_kafka_message_t& message) {
        const std::string_view key(static_cast<const char*>(message.key), message.key_len);
        if (key != key_) return {};
        if (message.payload == nullptr) {  // A tombstone: an operator has removed the position.
            found_.reset();
            return {};
        }
        const auto* const begin = static_cast<const char*>(message.payload);
        uint64_t number = 0;
        if (const auto read = std::from_chars(begin, begin + message.len, number);
            read.ec != std::errc{} || read.ptr != begin + message.len)
            return failure_.check(RD_KAFKA_RESP_ERR__BAD_MSG,
                                  fmt::format("offset {} of topic {} has the key of this spool, "
                                              "but its value is not a position",
                                              message.offset, topic_));
        found_ = Position{number, run_of(message)};
        return {};
    }

    // If the header field is missing, an older daemon wrote this Kafka record. The spool's id then
    // serves as the run (spool/lineage.h).
    [[nodiscard]] RunId run_of(const rd_kafka_message_t& message) const {
        rd_kafka_headers_t* fields = nullptr;
        const void* value = nullptr;
        size_t bytes = 0;
        if (rd_kafka_message_headers(&message, &fields) != RD_KAFKA_RESP_ERR_NO_ERROR ||
            rd_kafka_header_get_last(fields, kafka_run_header, &value, &bytes) !=
                RD_KAFKA_RESP_ERR_NO_ERROR)
            return incarnation_;
        return spool_id_of({static_cast<const char*>(value), bytes}).value_or(RunId{});
    }

    const Settings& settings_;
    std::string topic_;
    IncarnationId incarnation_;
    std::string key_;
    const KafkaDeadline& deadline_;
    KafkaFailure& failure_;
    KafkaOwned<rd_kafka_t, rd_kafka_destroy> consumer_;
    std::optional<Position> found_;
};

}  // namespace

Result<Position> read_kafka_position(const Settings& settings, const IncarnationId& incarnation,
                                     const KafkaDeadline& deadline, KafkaFailure& failure) {
    return PositionReader(settings, incarnation, deadline, failure).last();
}

}  // namespace rollcall
