// Pipeline: builds, starts and stops the rings, the committer, the spool and the deliveries.
//
//   worker  -> Intake -> Ring \                          / Delivery -> Sink
//                              Committer -> spool files
//   worker  -> Intake -> Ring /                          \ Delivery -> Sink
//
//   open()    recovers the spool; opens no sink
//   start()   starts the deliveries and the committer
//   stop()    call it after the workers have stopped. The committer makes the published slots
//             durable. The deliveries store what they can within delivery.stop_timeout_max. If a
//             call of a sink takes longer, stop() returns after this call has ended
//
// Threads: the main thread, unless a function says otherwise. intake(i) belongs to worker i.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "config/metrics.h"
#include "config/settings.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/files.h"
#include "pipeline/delivery/delivery.h"
#include "pipeline/delivery/sink.h"
#include "pipeline/ingest/committer.h"
#include "pipeline/ingest/intake.h"
#include "pipeline/ingest/observations.h"
#include "pipeline/spool/writer.h"

namespace rollcall {

struct NamedSink {
    SinkName name;
    std::unique_ptr<Sink> sink;
};

class Pipeline {
public:
    struct Options {
        std::string spool_directory;
        std::vector<NamedSink> sinks;
        std::vector<MetricShard*> worker_shards;  // One shard for each worker.
        KeyedHash::Key fingerprint_key = {};      // See the constructor of Intake.
        // A thread of the pipeline calls this after an error that ends the daemon. The process must
        // then end without another acknowledgement. Before the call, the pipeline logs the records
        // that at least one sink has not stored.
        std::function<void(const Error&)> on_halt;
    };

    // The three references must outlive the pipeline.
    Pipeline(Files& files, const Clock& clock, const Settings& settings, Options options);

    [[nodiscard]] Intake& intake(size_t worker) { return *intakes_[worker]; }
    // Sets the function that the committer's thread calls after it has made slots of this worker's
    // ring durable. Call before start().
    void on_durable(size_t worker, std::function<void()> wake);

    // Recovers the spool. Starts no thread and opens no sink: the deliveries open their sinks after
    // start(), because opening a sink may take any time.
    [[nodiscard]] Result<void> open();
    // Starts the threads. Call after open().
    void start();
    void stop();

    [[nodiscard]] const SpoolWriter& spool() const { return spool_; }
    [[nodiscard]] const Committer& committer() const { return committer_; }
    // For tests, which call step() of these parts instead of start().
    [[nodiscard]] Committer& committer() { return committer_; }
    [[nodiscard]] Delivery& delivery(size_t sink) { return *outlets_[sink]->delivery; }

    struct DeliveryHeartbeat {
        SinkName sink;
        const Heartbeat* heartbeat;
    };
    // Call after open().
    [[nodiscard]] std::vector<DeliveryHeartbeat> deliveries() const;
    // Detects sinks that do not respond. Call once a second after open().
    void measure_health();
    // Any thread may call it after open().
    [[nodiscard]] std::vector<SinkStatus> sinks() const;
    // Returns messages such as "sink kafka: down for 7 s: ..." for sinks that are not up or that
    // have dead letters. Call after open().
    [[nodiscard]] std::vector<std::string> health_messages() const;
    // Returns the values on which the overload controller and the readiness page base their
    // decisions. Any thread may call it after open().
    [[nodiscard]] SpoolLoad load() const { return committer_.load(); }
    // Returns the sum of the sketches that the workers have published (ingest/observations.h). Any
    // thread may call it.
    [[nodiscard]] Observations observations() const;
    // Returns the counters of the pipeline's own threads and of the sinks.
    [[nodiscard]] std::vector<const MetricShard*> shards() const;

private:
    struct Outlet {
        SinkName name;
        std::unique_ptr<Sink> sink;
        MetricShard shard;
        std::unique_ptr<Delivery> delivery;
    };

    [[nodiscard]] Delivery::Options delivery_options(const Outlet& outlet);
    void halt(const Error& error) const;

    Files& files_;
    const Clock& clock_;
    const Settings& settings_;
    std::string spool_directory_;
    std::function<void(const Error&)> on_halt_;
    Wakeup wakeup_;      // Wakes the committer's thread.
    MetricShard shard_;  // Counters of the committer.
    SpoolWriter spool_;
    std::shared_ptr<Quarantine> quarantine_;
    Committer committer_;
    std::vector<std::unique_ptr<Intake>> intakes_;
    std::vector<std::unique_ptr<Outlet>> outlets_;
};

}  // namespace rollcall
