// Kafka position: reads the position of an incarnation of the spool from the topic of
// positions.
//
// The value of a Kafka record is the number of the next record of the spool, as digits. Its header
// `run` names the run that wrote the record before it (spool/lineage.h); older daemons wrote none.
//
// Only committed records count. The topic is read from its end backwards, a few records first and
// then more, until one of this spool is found.
//
// Another spool's transaction may be open in the same partition and hide records that were
// committed after its begin. This spool's own transaction has ended. So the reader waits for all
// records up to the end that the partition had when it began, and never returns an outdated
// position.
//
// Threads: that of the sink.
#pragma once

#include "config/settings.h"
#include "pipeline/spool/lineage.h"
#include "sinks/kafka/connection.h"
#include "sinks/kafka/failure.h"

namespace rollcall {

inline constexpr const char* kafka_run_header = "run";

// Returns position 0 if the topic holds no record of this incarnation, or the last one is a
// tombstone. failure notes what the library reports meanwhile.
[[nodiscard]] Result<Position> read_kafka_position(const Settings& settings,
                                                   const IncarnationId& incarnation,
                                                   const KafkaDeadline& deadline,
                                                   KafkaFailure& failure);

}  // namespace rollcall
