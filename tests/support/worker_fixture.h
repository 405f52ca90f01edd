// A worker with its pipeline in the test's own process, on loopback; its sink opens when told to.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemon/listener.h"
#include "daemon/worker.h"
#include "pipeline/pipeline.h"
#include "tests/support/temporary_directory.h"

namespace rollcall {

// Down until opened; then it counts rows.
class GatedSink final : public Sink {
public:
    GatedSink(const Cursor& gate, Cursor& rows) : gate_(gate), rows_(rows) {}
    Result<uint64_t> open(const SpoolId&) override {
        if (gate_.read() == 0) return fail(Code::sink_down);
        return position_;
    }
    Result<void> write(const Batch& batch) override {
        position_ = batch.end_record;
        rows_.advance(rows_.own() + batch.rows.rows());
        return {};
    }

private:
    const Cursor& gate_;
    Cursor& rows_;
    uint64_t position_ = 0;
};

class WorkerFixture {
public:
    WorkerFixture() {
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
        worker->join();
        pipeline->stop();
    }
    WorkerFixture(const WorkerFixture&) = delete;
    WorkerFixture& operator=(const WorkerFixture&) = delete;

    // After the settings are as the test wants them.
    void start() {
        std::vector<NamedSink> sinks;
        sinks.push_back({SinkName::discard, std::make_unique<GatedSink>(gate, rows_stored)});
        pipeline = std::make_unique<Pipeline>(files, clock, settings, directory.path() / "spool",
                                              std::move(sinks), std::vector<Slab*>{&slab},
                                              [](const Error&) { std::abort(); });
        pace = std::make_unique<Pace>(settings);
        last_seen = std::make_unique<LastSeen>(settings.replies.sites_max);
        worker =
            std::make_unique<Worker>(settings, pipeline->intake(0), *pace, *last_seen, clock, slab);
        pipeline->on_durable(0, [this] { worker->wake(); });
        ensure(pipeline->start().has_value());
        http_port = listen(Transport::http);
        mqtt_port = listen(Transport::mqtt);
        worker->start();
    }

    [[nodiscard]] int64_t counted(Metric metric, size_t label = 0) const {
        return slab.read(metric, label);
    }

    Settings settings;
    TemporaryDirectory directory;
    Files files;
    Clock clock;
    Slab slab;
    Cursor gate;         // Moved by the test: 1 lets the sink open.
    Cursor rows_stored;  // Moved by the sink.
    std::unique_ptr<Pipeline> pipeline;
    std::unique_ptr<Pace> pace;
    std::unique_ptr<LastSeen> last_seen;
    std::unique_ptr<Worker> worker;
    uint16_t http_port = 0;
    uint16_t mqtt_port = 0;

private:
    uint16_t listen(Transport transport) {
        Listening listening;
        std::string problem;
        ensure(listen_on("127.0.0.1:0", 1, listening, problem));
        worker->listen(listening.fds.front(), transport);
        const size_t colon = listening.address.rfind(':');
        return static_cast<uint16_t>(std::stoi(listening.address.substr(colon + 1)));
    }
};

}  // namespace rollcall
