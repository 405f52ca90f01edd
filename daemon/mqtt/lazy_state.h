// MqttLazyState: the parts of an MQTT session that few clients need. A session allocates this
// object on first use, so that other clients cost less memory.
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
    std::unique_ptr<MqttWill> will;              // Empty while the client has no will.
    std::shared_ptr<MqttUnreleased> unreleased;  // The QoS 2 messages of the session.
    MqttReceiveWindow window;
    MqttTopicAliases aliases;
    // The receipt of a message that is partly stored, because the ring became full.
    std::unique_ptr<Receipt> partial;
    size_t quota_refusals = 0;  // Refusals since the client was last within its quota; 5.0 only.
};

}  // namespace rollcall
