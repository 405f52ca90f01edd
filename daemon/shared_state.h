// SharedState: the tables that all workers share. The object outlives the workers.
//
// Threads: the header of each member says which of its functions any thread may call.
#pragma once

#include "config/settings.h"
#include "daemon/mqtt/clients.h"
#include "daemon/net/memory_budget.h"
#include "daemon/overload/last_seen.h"
#include "daemon/overload/process_memory.h"
#include "daemon/overload/quotas.h"
#include "daemon/overload/state.h"
#include "daemon/security/credentials.h"
#include "pipeline/base/shared_count.h"

namespace rollcall {

struct SharedState {
    explicit SharedState(const Settings& settings)
        : memory(client_memory_bytes_max(settings)),
          overload(settings),
          last_seen(settings.replies.sites_max),
          mqtt_clients(settings.mqtt.sessions_max,
                       {.count = settings.mqtt.delayed_wills_max,
                        .bytes = settings.mqtt.delayed_wills_size_max.count},
                       memory),
          credential_files(settings),
          quotas(settings) {}

    MemoryBudget memory;  // Counts the memory that clients occupy.
    OverloadState overload;
    SharedCount connections;  // Open client connections, for connections_max.
    LastSeen last_seen;
    MqttClients mqtt_clients;
    CredentialFiles credential_files;
    Quotas quotas;
};

}  // namespace rollcall
