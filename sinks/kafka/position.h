// Kafka position: reads the position of an incarnation (the id of a spool in one directory) from
// the topic of positions.
//
// The key of a Kafka record in this topic is the incarnation. The value is the number of the spool
// record that the sink needs next, in decimal digits. The header field `run` is the id of the
// daemon's run that wrote the spool record before that one (spool/lineage.h). Older daemons wrote
// no such field.
//
// The reader ignores Kafka records that are not committed. It first reads the last 1,024 records of
// the topic. If no record has the key, it reads 32 times as many, until it has found one or has
// read the whole topic.
//
// A transaction of another spool may be open in the same partition. Until that transaction ends, it
// hides all records that were written after its beginning. So the reader waits until it has read
// all records up to the end that the partition had when the reader began. Without this wait, the
// reader could return an outdated position. This spool's own transaction cannot be open, because
// the sink ends it before it reads the position (kafka/sink.h).
//
// Threads: the thread of the sink.
#pragma once

#include "config/settings.h"
#include "pipeline/spool/lineage.h"
#include "sinks/kafka/connection.h"
#include "sinks/kafka/failure.h"

namespace rollcall {

inline constexpr const char* kafka_run_header = "run";

// Returns position 0 if the topic holds no record of this incarnation, or if an operator has
// removed the position with a tombstone. failure: collects the reports of the library during the
// call.
[[nodiscard]] Result<Position> read_kafka_position(const Settings& settings,
                                                   const IncarnationId& incarnation,
                                                   const KafkaDeadline& deadline,
                                                   KafkaFailure& failure);

}  // namespace rollcall
