// IngestContext: the objects that a worker needs to accept check-ins over any protocol. The
// services of HTTP and MQTT are constructed with it. The context holds only references and owns no
// object.
//
// Threads: the worker's. Some of the objects are shared with other workers; their headers say so.
#pragma once

#include "config/settings.h"
#include "daemon/net/refusals.h"
#include "daemon/overload/liveness.h"
#include "daemon/overload/quotas.h"
#include "daemon/security/credentials.h"
#include "pipeline/base/clock.h"
#include "pipeline/ingest/intake.h"

namespace rollcall {

struct IngestContext {
    const Settings& settings;
    const Clock& clock;
    Intake& intake;
    Liveness& liveness;
    Credentials& credentials;
    Quotas& quotas;
    Refusals& refusals;
};

}  // namespace rollcall
