#include "pipeline/pipeline.h"

#include <algorithm>

#include "pipeline/base/log.h"

namespace rollcall {

Pipeline::Pipeline(Files& files, const Clock& clock, const Settings& settings,
                   const std::string& spool_directory, std::vector<NamedSink> sinks,
                   std::vector<MetricShard*> worker_shards,
                   std::function<void(const Error&)> on_halt)
    : files_(files),
      clock_(clock),
      settings_(settings),
      spool_directory_(spool_directory),
      on_halt_(std::move(on_halt)),
      spool_(files, clock, shard_,
             {spool_directory, settings.spool.size_max.count, settings.spool.segment_size.count,
              settings.spool.sync, settings.delivery.duplicate_window}),
      committer_(spool_, wakeup_, shard_, on_halt_) {
    const auto& ingest = settings.ingest;
    for (MetricShard* shard : worker_shards)
        intakes_.push_back(std::make_unique<Intake>(
            Intake::Limits{ingest.slots_max, ingest.slot_rows_max, ingest.slot_text_max.count,
                           std::max({settings.http.body_size_max, settings.http.batch_size_max,
                                     settings.http.header_size_max, settings.mqtt.packet_size_max})
                               .count,
                           ingest.reports_max},
            wakeup_, *shard));
    for (auto& [name, sink] : sinks) {
        outlets_.push_back(std::make_unique<Outlet>());
        outlets_.back()->name = name;
        outlets_.back()->sink = std::move(sink);
    }
}

void Pipeline::on_durable(size_t worker, std::function<void()> wake) {
    committer_.add_source(intakes_[worker]->ring(), std::move(wake));
}

Result<void> Pipeline::open() {
    if (auto opened = spool_.open(); !opened) return opened;
    for (auto& outlet : outlets_) {
        // A sink that is down now is asked again by its delivery.
        if (const auto position = outlet->sink->open(spool_.id()))
            if (auto begun = spool_.begin_at_least(*position); !begun) return begun;
    }
    const auto& delivery = settings_.delivery;
    const auto& ingest = settings_.ingest;
    for (auto& outlet : outlets_) {
        const Delivery::Options options{
            outlet->name,
            spool_.id(),
            std::max(delivery.batch_rows_max, ingest.slot_rows_max),
            std::max(delivery.batch_text_max, ingest.slot_text_max).count,
            delivery.batch_age_max,
            delivery.retry_delay_max,
            delivery.duplicate_window,
            delivery.duplicate_entries_max,
            outlet == outlets_.front(),
            settings_.spool.quarantine_size_max.count,
            settings_.spool.dead_letters_size_max.count,
            settings_.spool.sync};
        outlet->delivery =
            std::make_unique<Delivery>(files_, spool_directory_, spool_.end(), *outlet->sink,
                                       clock_, outlet->shard, options, on_halt_);
        committer_.add_reader(outlet->name, outlet->delivery->stored());
    }
    return {};
}

void Pipeline::start() {
    for (auto& outlet : outlets_) outlet->delivery->start();
    committer_.start();
}

void Pipeline::stop() {
    committer_.stop();
    for (auto& outlet : outlets_) outlet->delivery->stop(settings_.delivery.stop_timeout_max);
}

std::vector<std::string> Pipeline::health_messages() const {
    std::vector<std::string> all;
    for (const auto& outlet : outlets_) {
        const std::string sentence = outlet->delivery->health_message().text();
        if (!sentence.empty())
            all.push_back(fmt::format("sink {}: {}", to_text(outlet->name), sentence));
    }
    return all;
}

std::vector<const MetricShard*> Pipeline::shards() const {
    std::vector<const MetricShard*> all{&shard_};
    for (const auto& outlet : outlets_) {
        all.push_back(&outlet->shard);
        if (const MetricShard* counters = outlet->sink->counters()) all.push_back(counters);
    }
    return all;
}

}  // namespace rollcall
