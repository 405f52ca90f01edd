// PipelineStandIn: a replacement for SingleStore's pipeline that loads into MariaDB.
//
// It reads the committed messages of the topic and loads many at once into site_checkins, with the
// clauses of the generated pipeline. It stores its offsets in the same transaction, so it may be
// stopped and started at any point. The end of a message ends a row. A value that the table would
// alter with a warning ends the pipeline.
//
// sinks/README.md lists what this replacement cannot show.
//
// Errors:  stop() throws the error of the pipeline's thread.
// Threads: start() and stop() are called by one thread; between them, the pipeline has its own.
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
    // The database must be empty; the constructor creates the tables.
    PipelineStandIn(std::string brokers, std::string topic, Database::Options database);
    ~PipelineStandIn();

    void start();
    // Loads all messages committed so far, then stops.
    void stop();

    [[nodiscard]] uint64_t messages() const { return messages_; }
    // Number of rows that were already in the table.
    [[nodiscard]] uint64_t skipped() const { return skipped_; }
    // Returns the rows in which the table differs from the loaded lines, one line each; empty if
    // there are none. Compares every column of one row of each load.
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
    uint64_t messages_ = 0;  // Written by the pipeline's thread, read after its end.
    uint64_t skipped_ = 0;
    std::vector<std::string> sample_;  // Some of the loaded lines.
    // Set by stop(), read by the pipeline's thread, which then loads the rest and returns.
    std::atomic<bool> stopping_ = false;
};

}  // namespace rollcall
