#include "pipeline/pipeline.h"

#include <algorithm>

#include "pipeline/base/log.h"

namespace rollcall {

Pipeline::Pipeline(Files& files, const Clock& clock, const Settings& settings, Options options)
    : files_(files),
      clock_(clock),
      settings_(settings),
      spool_directory_(std::move(options.spool_directory)),
      on_halt_(std::move(options.on_halt)),
      spool_(files, clock, shard_,
             {.directory = spool_directory_,
              .size_max = settings.spool.size_max.count,
              .segment_size = settings.spool.segment_size.count,
              .sync = settings.spool.sync,
              .kept_for = settings.delivery.duplicate_window,
              .has_runs = true}),
      quarantine_(std::make_shared<Quarantine>(files, spool_directory_,
                                               settings.spool.quarantine_size_max.count)),
      committer_(spool_, wakeup_, shard_, [this](const Error& error) { halt(error); }) {
    const auto& ingest = settings.ingest;
    for (MetricShard* shard : options.worker_shards)
        intakes_.push_back(std::make_unique<Intake>(
            Intake::Limits{ingest.slots_max, ingest.slot_rows_max, ingest.slot_text_max.count,
                           std::max({settings.http.body_size_max, settings.http.batch_size_max,
                                     settings.http.header_size_max, settings.mqtt.packet_size_max})
                               .count,
                           ingest.reports_max, ingest.keep_sim_identifiers, ingest.unknown_keys_max,
                           ingest.warned_versions_max},
            options.fingerprint_key, wakeup_, *shard));
    for (auto& [name, sink] : options.sinks) {
        outlets_.push_back(std::make_unique<Outlet>());
        outlets_.back()->name = name;
        outlets_.back()->sink = std::move(sink);
    }
}

void Pipeline::on_durable(size_t worker, std::function<void()> wake) {
    committer_.add_source(intakes_[worker]->ring(), std::move(wake));
}

Result<void> Pipeline::open() {
    if (auto made = wakeup_.check(); !made) return made;
    if (auto opened = spool_.open(); !opened) return opened;
    for (auto& outlet : outlets_) {
        outlet->delivery = std::make_unique<Delivery>(files_, clock_, outlet->shard, spool_.end(),
                                                      *outlet->sink, delivery_options(*outlet));
        if (auto made = outlet->delivery->check(); !made) return made;
        committer_.add_reader(outlet->name, outlet->delivery->stored(),
                              outlet->delivery->settled());
    }
    return {};
}

Delivery::Options Pipeline::delivery_options(const Outlet& outlet) {
    const auto& delivery = settings_.delivery;
    const auto& ingest = settings_.ingest;
    return {.name = outlet.name,
            .spool_directory = spool_directory_,
            .spool = spool_.id(),
            .rows_max = std::max(delivery.batch_rows_max, ingest.slot_rows_max),
            .text_max = std::max(delivery.batch_text_max, ingest.slot_text_max).count,
            .age_max = delivery.batch_age_max,
            .retry_delay_max = delivery.retry_delay_max,
            .duplicate_window = delivery.duplicate_window,
            .duplicates_max = delivery.duplicate_entries_max,
            .counts_duplicates = &outlet == outlets_.front().get(),
            .quarantine = quarantine_,
            .dead_letters_size_max = settings_.spool.dead_letters_size_max.count,
            .sync = settings_.spool.sync,
            .lineage = &spool_.lineage(),
            .on_halt = [this](const Error& error) { halt(error); }};
}

// Logs the records that at least one sink has not stored. If the spool is lost before the next
// start, the operator must know which records are lost with it.
void Pipeline::halt(const Error& error) const {
    const uint64_t end = spool_.end().read();
    uint64_t stored_by_all = end;
    for (const auto& outlet : outlets_)
        stored_by_all = std::min(stored_by_all, outlet->delivery->stored().read());
    if (stored_by_all == end)
        log(LogLevel::error, {.message = "spool: every sink has stored all acknowledged check-ins",
                              .details = {{"directory", spool_directory_}}});
    else
        log(LogLevel::error,
            {.message = "spool: at least one sink has not stored all acknowledged check-ins",
             .details = {{"directory", spool_directory_},
                         {"records", fmt::format("{}-{}", stored_by_all, end - 1)}},
             .note = "these records are only in this directory: keep it"});
    on_halt_(error);
}

void Pipeline::start() {
    for (auto& outlet : outlets_) outlet->delivery->start();
    committer_.start();
}

void Pipeline::stop() {
    committer_.stop();
    for (auto& outlet : outlets_) outlet->delivery->begin_stop(settings_.delivery.stop_timeout_max);
    for (auto& outlet : outlets_) outlet->delivery->join();
}

std::vector<Pipeline::DeliveryHeartbeat> Pipeline::deliveries() const {
    std::vector<DeliveryHeartbeat> all;
    for (const auto& outlet : outlets_)
        all.push_back({outlet->name, &outlet->delivery->heartbeat()});
    return all;
}

void Pipeline::measure_health() {
    for (const auto& outlet : outlets_) outlet->delivery->measure_health();
}

std::vector<SinkStatus> Pipeline::sinks() const {
    std::vector<SinkStatus> all;
    for (const auto& outlet : outlets_) all.push_back(outlet->delivery->health().status());
    return all;
}

std::vector<std::string> Pipeline::health_messages() const {
    std::vector<std::string> all;
    for (const auto& outlet : outlets_) {
        for (auto& message : outlet->delivery->health().messages())
            all.push_back(std::move(message));
    }
    return all;
}

Observations Pipeline::observations() const {
    std::vector<FrequentNames> unknown_keys;
    std::vector<FrequentNames> warned_versions;
    for (const auto& intake : intakes_) {
        unknown_keys.push_back(intake->unknown_keys());
        warned_versions.push_back(intake->warned_versions());
    }
    return {unknown_keys_in(unknown_keys, settings_.ingest.unknown_keys_max),
            warned_versions_in(warned_versions, settings_.ingest.warned_versions_max)};
}

std::vector<const MetricShard*> Pipeline::shards() const {
    std::vector<const MetricShard*> all{&shard_};
    for (const auto& outlet : outlets_) {
        all.push_back(&outlet->shard);
        if (outlet->delivery) all.push_back(&outlet->delivery->health().shard());
        if (const MetricShard* counters = outlet->sink->counters()) all.push_back(counters);
    }
    return all;
}

}  // namespace rollcall
