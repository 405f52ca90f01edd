// Kafka position: reads the next record of a spool from the topic that holds it for each spool.
//
// Only committed records count. The topic is read from its end backwards, a few records first and
// then more, until one of this spool is found.
//
// Another spool's transaction may be open in the same partition and hide what was committed behind
// its begin. This spool's own transaction has ended by now. So the reader waits for all records up
// to the end that the partition had at first, and never takes an older position for the last one.
//
// Threads: that of the sink.
#pragma once

#include <cstdint>
#include <string_view>

#include "config/settings.h"
#include "sinks/kafka/connection.h"
#include "sinks/kafka/failure.h"

namespace rollcall {

// Returns 0 if the topic holds no record of this spool, or the last one is a tombstone. failure
// notes what the library reports meanwhile.
[[nodiscard]] Result<uint64_t> read_kafka_position(const Settings& settings,
                                                   std::string_view spool_uuid,
                                                   const KafkaDeadline& deadline,
                                                   KafkaFailure& failure);

}  // namespace rollcall
