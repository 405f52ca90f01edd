// WorkerFixture: one or two workers and their pipeline in the process of the test, on loopback,
// with a sink that stays down until the test opens it.
#pragma once

#include <chrono>
#include <csignal>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "daemon/net/listener.h"
#include "daemon/worker.h"
#include "pipeline/pipeline.h"
#include "tests/support/temporary_directory.h"

namespace rollcall {

// A sink that is down until the test opens it. After that it counts rows and records their sites.
class GatedSink final : public Sink {
public:
    GatedSink(const Cursor& gate, Cursor& rows) : gate_(gate), rows_(rows) {}
    Result<Position> open(const IncarnationId&) override {
        if (gate_.read() == 0) return fail(Code::sink_down);
        return position_;
    }
    Result<void> write(const Batch& batch) override {
        position_ = batch.position();
        {
            const std::lock_guard lock(mutex_);
            for (size_t row = 0; row < batch.rows.rows(); ++row) note(batch.rows, row);
        }
        rows_.advance(rows_.own() + batch.rows.rows());
        return {};
    }

    // Returns the sites of all rows in order. A minus stands before the site if online = 0: "r1 -r1
    // r2". Any thread may call this.
    [[nodiscard]] std::string sites() {
        const std::lock_guard lock(mutex_);
        return sites_;
    }

private:
    void note(const Columns& rows, size_t row) {
        if (!sites_.empty()) sites_ += ' ';
        const bool gone = rows.has(row, Column::online) && rows.integer(row, Column::online) == 0;
        if (gone) sites_ += '-';
        sites_ += rows.text(row, Column::site_id);
    }

    const Cursor& gate_;
    Cursor& rows_;
    Position position_;
    std::mutex mutex_;
    std::string sites_;
};

class WorkerFixture {
public:
    WorkerFixture() {
        std::signal(SIGPIPE, SIG_IGN);  // Like the daemon.
        settings.ingest.slot_rows_max = 16;
        settings.ingest.slot_text_max = Bytes{2 * row_text_max};
        settings.ingest.slots_max = 2;
        settings.delivery.batch_age_max = Millis(1);
        settings.delivery.retry_delay_max = Millis(10);
        settings.general.drain_timeout_max = Millis(200);
    }
    ~WorkerFixture() {
        gate.advance(1);
        if (!worker) return;
        worker->begin_stop();
        if (second_worker) second_worker->begin_stop();
        worker->join();
        if (second_worker) second_worker->join();
        pipeline->stop();
    }
    WorkerFixture(const WorkerFixture&) = delete;
    WorkerFixture& operator=(const WorkerFixture&) = delete;

    // Starts all parts with the current settings.
    void start(size_t workers = 1) {
        std::vector<NamedSink> sinks;
        auto gated = std::make_unique<GatedSink>(gate, rows_stored);
        gated_sink = gated.get();
        sinks.push_back({SinkName::discard, std::move(gated)});
        std::vector<MetricShard*> shards{&shard};
        if (workers == 2) shards.push_back(&second_shard);
        pipeline = std::make_unique<Pipeline>(
            files, clock, settings,
            Pipeline::Options{.spool_directory = directory.path() / "spool",
                              .sinks = std::move(sinks),
                              .worker_shards = shards,
                              .on_halt = [](const Error&) { std::abort(); }});
        shared = std::make_unique<SharedState>(settings);
        ensure(shared->credential_files.load().has_value());
        worker = make_worker(0, shard);
        if (workers == 2) second_worker = make_worker(1, second_shard);
        ensure(pipeline->open().has_value());
        pipeline->start();
        http_port = listen(*worker, Transport::http);
        mqtt_port = listen(*worker, Transport::mqtt);
        if (second_worker) second_mqtt_port = listen(*second_worker, Transport::mqtt);
        worker->start();
        if (second_worker) second_worker->start();
    }

    // Opens the sink, waits until the sink has `rows` rows, and returns GatedSink::sites().
    [[nodiscard]] std::string sites(size_t rows) {
        if (gate.read() == 0) gate.advance(1);
        const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (rows_stored.read() < rows && std::chrono::steady_clock::now() < give_up)
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        return gated_sink->sites();
    }

    [[nodiscard]] int64_t counted(Metric metric, size_t label = 0) const {
        return shard.read(metric, label);
    }

    Settings settings;
    TemporaryDirectory directory;
    Files files;
    Clock clock;
    MetricShard shard;
    Cursor gate;         // Advanced by the test; at 1 the sink may open.
    Cursor rows_stored;  // Advanced by the sink.
    GatedSink* gated_sink = nullptr;
    std::unique_ptr<Pipeline> pipeline;
    std::unique_ptr<SharedState> shared;
    std::unique_ptr<Worker> worker;
    uint16_t http_port = 0;
    uint16_t mqtt_port = 0;
    // The second worker, if there are two.
    MetricShard second_shard;
    std::unique_ptr<Worker> second_worker;
    uint16_t second_mqtt_port = 0;

private:
    std::unique_ptr<Worker> make_worker(size_t number, MetricShard& its_shard) {
        auto made =
            std::make_unique<Worker>(settings, clock, *shared, pipeline->intake(number), its_shard);
        pipeline->on_durable(number, [at = made.get()] { at->wake(); });
        return made;
    }

    uint16_t listen(Worker& its_worker, Transport transport) {
        const ListeningSockets listening = listen_on("127.0.0.1:0", 1).value();
        its_worker.listen(listening.fds.front(), transport);
        const size_t colon = listening.address.rfind(':');
        return static_cast<uint16_t>(std::stoi(listening.address.substr(colon + 1)));
    }
};

}  // namespace rollcall
