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
#include "pipeline/clock.h"
#include "pipeline/committer.h"
#include "pipeline/delivery.h"
#include "pipeline/files.h"
#include "pipeline/intake.h"
#include "pipeline/sink.h"
#include "pipeline/spool_writer.h"

namespace rollcall {

struct NamedSink {
    SinkName name;
    std::unique_ptr<Sink> sink;
};

class Pipeline {
public:
    // worker_slabs: one for each worker. on_halt is called from any thread of the pipeline; the
    // process must then end without acknowledging anything more.
    Pipeline(Files& files, const Clock& clock, const Settings& settings,
             const std::string& spool_directory, std::vector<NamedSink> sinks,
             std::vector<Slab*> worker_slabs, std::function<void(const Error&)> on_halt);

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
    [[nodiscard]] std::vector<std::string> troubles() const;
    // The counters of the pipeline's own threads.
    [[nodiscard]] std::vector<const Slab*> slabs() const;

private:
    struct Outlet {
        SinkName name;
        std::unique_ptr<Sink> sink;
        Slab slab;
        std::unique_ptr<Delivery> delivery;
    };

    Files& files_;
    const Clock& clock_;
    const Settings& settings_;
    std::string spool_directory_;
    std::function<void(const Error&)> on_halt_;
    Doorbell bell_;
    Slab slab_;  // The committer's.
    SpoolWriter spool_;
    Committer committer_;
    std::vector<std::unique_ptr<Intake>> intakes_;
    std::vector<std::unique_ptr<Outlet>> outlets_;
};

}  // namespace rollcall
