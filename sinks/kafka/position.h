// Kafka position: reads the position of an incarnation of the spool from the topic of positions.
//
// The value of a Kafka record is a number in decimal digits: that of the spool record that the sink
// needs next. The header field `run` names the run that wrote the spool record before it
// (spool/lineage.h). Older daemons wrote no such field.
//
// Only committed records count. The topic is read backwards from its end: first a few records, then
// more, until one is a record of this spool.
//
// A transaction of another spool may be open in the same partition. Until that transaction ends, it
// hides all records that were written after its beginning. So the reader waits until it has read
// all records up to the end that the partition had when the reader began. Otherwise it could return
// an outdated position. This spool's own transaction cannot be open, because the sink ends it
// before it reads the position (kafka/sink.h).
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
