// MqttLazyState: the parts of an MQTT session that most clients do not need. A session allocates
// them when it first needs one, so that an idle client costs little memory.
//
// Threads: the loop's.
#pragma once

#include <cstddef>
#include <memory>

#include "daemon/mqtt/receive_window.h"
#include "daemon/mqtt/topic_aliases.h"
#include "daemon/mqtt/unreleased.h"
#include "daemon/mqtt/will.h"
#include "pipeline/ingest/intake.h"

namespace rollcall {

struct MqttLazyState {
    std::unique_ptr<MqttWill> will;              // While the client has one.
    std::shared_ptr<MqttUnreleased> unreleased;  // Messages of QoS 2 of the session.
    MqttReceiveWindow window;
    MqttTopicAliases aliases;
    // The receipt of a message of which a part was stored before the ring was full.
    std::unique_ptr<Receipt> partial;
    size_t quota_refusals = 0;  // Since the client was last within its quota; 5.0 only.
};

}  // namespace rollcall
