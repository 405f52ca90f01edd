// Kafka position: the next record of a spool, read from the topic that holds it for each.
//
// Only committed records count. The topic is read from its end backwards, a few records first and
// then more, until one of this spool is met.
//
// Another spool's transaction may be open in the same partition and hide what was committed behind
// where it began. This spool's own is finished by now, so all up to the partition's end as it is
// met first is waited for: an older position is never taken for the last.
//
// Threads: that of the sink. Errors: nothing, and the failure has met why.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "config/settings.h"
#include "sinks/kafka/connection.h"

namespace rollcall {

// 0 if the topic holds none of this spool, or its last one is a tombstone.
[[nodiscard]] std::optional<uint64_t> read_kafka_position(const Settings& settings,
                                                          std::string_view spool_uuid,
                                                          const KafkaDeadline& deadline,
                                                          KafkaFailure& failure);

}  // namespace rollcall
