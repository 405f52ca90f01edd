// Pipeline: the rings, the committer, the spool and the deliveries, built, started and stopped.
//
//   worker  -> Intake -> Ring \                          / Delivery -> Sink
//                              Committer -> spool files
//   worker  -> Intake -> Ring /                          \ Delivery -> Sink
//
// Open: the spool recovers, each sink says where it was. Start: deliveries and committer run. Stop,
// after the workers: the committer makes durable what is published, the deliveries store what they
// can.
//
// Threads: main, but for intake(i), which belongs to worker i.
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
#include "pipeline/spool/writer.h"

namespace rollcall {

struct NamedSink {
    SinkName name;
    std::unique_ptr<Sink> sink;
};

class Pipeline {
public:
    // worker_shards: one for each worker. on_halt is called from any thread of the pipeline; the
    // process must then end without acknowledging anything more.
    Pipeline(Files& files, const Clock& clock, const Settings& settings,
             const std::string& spool_directory, std::vector<NamedSink> sinks,
             std::vector<MetricShard*> worker_shards, std::function<void(const Error&)> on_halt);

    [[nodiscard]] Intake& intake(size_t worker) { return *intakes_[worker]; }
    // Called by the committer when slots of that worker became durable. Before start().
    void on_durable(size_t worker, std::function<void()> wake);

    // Recovers the spool and asks each sink where it was; then nothing runs yet.
    [[nodiscard]] Result<void> open();
    // After open(): the threads.
    void start();
    void stop();

    [[nodiscard]] const SpoolWriter& spool() const { return spool_; }
    // To call step() instead of start().
    [[nodiscard]] Committer& committer() { return committer_; }
    [[nodiscard]] Delivery& delivery(size_t sink) { return *outlets_[sink]->delivery; }

    // What is wrong with sinks that are down: "sink kafka: ...". From main only, after start().
    [[nodiscard]] std::vector<std::string> health_messages() const;
    // Any thread, after open(): what the overload controller and the readiness page decide by.
    [[nodiscard]] SpoolLoad load() const { return committer_.load(); }
    // The counters of the pipeline's own threads.
    [[nodiscard]] std::vector<const MetricShard*> shards() const;

private:
    struct Outlet {
        SinkName name;
        std::unique_ptr<Sink> sink;
        MetricShard shard;
        std::unique_ptr<Delivery> delivery;
    };

    Files& files_;
    const Clock& clock_;
    const Settings& settings_;
    std::string spool_directory_;
    std::function<void(const Error&)> on_halt_;
    Wakeup wakeup_;
    MetricShard shard_;  // The committer's.
    SpoolWriter spool_;
    Committer committer_;
    std::vector<std::unique_ptr<Intake>> intakes_;
    std::vector<std::unique_ptr<Outlet>> outlets_;
};

}  // namespace rollcall
