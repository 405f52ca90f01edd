#include "sinks/kafka/position.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

namespace rollcall {

namespace {

// So many records are read first, then more.
constexpr int64_t records_first = 1024;
constexpr int64_t records_growth = 32;

class Positions {
public:
    Positions(const Settings& settings, std::string_view spool_uuid, const KafkaDeadline& deadline,
              KafkaFailure& failure)
        : topic_(settings.kafka.position_topic),
          brokers_(settings.kafka.brokers.size()),
          spool_uuid_(spool_uuid),
          deadline_(deadline),
          failure_(failure) {
        KafkaConfiguration conf(settings, failure);
        conf.set("isolation.level", "read_committed");
        conf.set("enable.partition.eof", "true");
        conf.set("auto.offset.reset", "earliest");
        conf.set("fetch.wait.max.ms", "20");  // The end is what is waited for, not a next record.
        rd_kafka_conf_set_opaque(conf.get(), this);
        rd_kafka_conf_set_error_cb(conf.get(), on_error);
        consumer_.reset(conf.make(RD_KAFKA_CONSUMER));
    }

    std::optional<uint64_t> last() {
        int64_t low = 0;
        int64_t high = 0;
        if (!consumer_ || !find_ends(low, high)) return std::nullopt;
        for (int64_t back = records_first;; back *= records_growth) {
            const int64_t from = std::max(low, high - back);
            if (!scan(from)) return std::nullopt;
            if (found_ || from == low) return found_.value_or(0);
        }
    }

private:
    static void on_error(rd_kafka_t* handle, int code, const char* reason, void* self) {
        auto& positions = *static_cast<Positions*>(self);
        positions.failure_.meet_event(handle, code, reason, positions.brokers_);
    }

    bool find_ends(int64_t& low, int64_t& high) {
        for (;;) {
            const auto code = rd_kafka_query_watermark_offsets(consumer_.get(), topic_.c_str(), 0,
                                                               &low, &high, deadline_.left_ms());
            if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return true;
            rd_kafka_poll(consumer_.get(), 50);
            if (!is_passing(code) || failure_.hopeless() || deadline_.over())
                return failure_.meet(code);
        }
    }

    // From that offset to the partition's end.
    bool scan(int64_t from) {
        const KafkaTopic topic(rd_kafka_topic_new(consumer_.get(), topic_.c_str(), nullptr));
        if (!topic || rd_kafka_consume_start(topic.get(), 0, from) != 0)
            return failure_.meet(rd_kafka_last_error());
        std::optional<int64_t> end;
        bool done = false;
        while (!done && !failure_.hopeless()) {
            const KafkaOwned<rd_kafka_message_t, rd_kafka_message_destroy> message(
                rd_kafka_consume(topic.get(), 0, deadline_.left_ms(kafka_patience)));
            if (!message || is_passing(message->err)) {
                rd_kafka_poll(consumer_.get(), 0);
                if (!deadline_.over()) continue;
                (void)failure_.meet(RD_KAFKA_RESP_ERR__TIMED_OUT,
                                    "no answer, or another's open transaction");
                break;
            }
            if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
                int64_t low = 0;
                int64_t high = 0;
                (void)rd_kafka_get_watermark_offsets(consumer_.get(), topic_.c_str(), 0, &low,
                                                     &high);
                if (!end) end = high;
                done = message->offset >= *end;
            } else if (!failure_.meet(message->err) || !take(*message)) {
                break;
            }
        }
        rd_kafka_consume_stop(topic.get(), 0);
        return done;
    }

    bool take(const rd_kafka_message_t& message) {
        const std::string_view key(static_cast<const char*>(message.key), message.key_len);
        if (key != spool_uuid_) return true;
        if (message.payload == nullptr) {  // A tombstone: somebody has taken it away.
            found_.reset();
            return true;
        }
        const auto* const begin = static_cast<const char*>(message.payload);
        uint64_t number = 0;
        if (const auto read = std::from_chars(begin, begin + message.len, number);
            read.ec != std::errc{} || read.ptr != begin + message.len)
            return failure_.meet(RD_KAFKA_RESP_ERR__BAD_MSG,
                                 fmt::format("offset {} of {} is no position of this spool",
                                             message.offset, topic_));
        found_ = number;
        return true;
    }

    std::string topic_;
    size_t brokers_;
    std::string_view spool_uuid_;
    const KafkaDeadline& deadline_;
    KafkaFailure& failure_;
    KafkaOwned<rd_kafka_t, rd_kafka_destroy> consumer_;
    std::optional<uint64_t> found_;
};

}  // namespace

std::optional<uint64_t> read_kafka_position(const Settings& settings, std::string_view spool_uuid,
                                            const KafkaDeadline& deadline, KafkaFailure& failure) {
    return Positions(settings, spool_uuid, deadline, failure).last();
}

}  // namespace rollcall
