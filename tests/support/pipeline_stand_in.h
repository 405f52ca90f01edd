// PipelineStandIn: SingleStore's pipeline, as far as a MariaDB can play it.
//
// It reads the committed messages of the topic, loads many at once into site_checkins with the
// clauses of the pipeline that is generated, and stores where it is in the same transaction, so
// that it may itself be stopped and started anywhere. The end of a message ends a row. A value that
// the table would take altered, with a warning, ends the pipeline.
//
// What it cannot show is listed in sinks/README.md.
//
// Errors:  stop() throws what went wrong in its thread.
// Threads: start() and stop() by one; the pipeline has its own between them.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <string>
#include <thread>
#include <vector>

#include "sinks/sql/database.h"

namespace rollcall {

class PipelineStandIn {
public:
    // The database is there and empty: it gets the tables.
    PipelineStandIn(std::string brokers, std::string topic, Database::Options database);
    ~PipelineStandIn();

    void start();
    // Loads what is committed up to now, and ends.
    void stop();

    [[nodiscard]] uint64_t messages() const { return messages_; }
    // Rows that were in the table already.
    [[nodiscard]] uint64_t skipped() const { return skipped_; }
    // In which rows the table differs from what it was loaded from, one line each; empty if it does
    // in none. It looks at every column of one row of each load.
    [[nodiscard]] std::string differences() const;

private:
    struct Source;
    void run();
    void load(Database& database, const std::string& lines, uint64_t rows, const Source& source);

    std::string brokers_;
    std::string topic_;
    Database::Options options_;
    std::string load_sql_;
    std::thread thread_;
    std::exception_ptr failure_;
    uint64_t messages_ = 0;  // Written by the thread, read when it has ended.
    uint64_t skipped_ = 0;
    std::vector<std::string> sample_;  // Lines that were loaded.
    // Set by stop(), read by the thread: load to the end and return.
    std::atomic<bool> stopping_ = false;
};

}  // namespace rollcall
