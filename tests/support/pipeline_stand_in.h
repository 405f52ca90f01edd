// PipelineStandIn: a replacement for SingleStore's pipeline that loads into MariaDB.
//
// It reads the committed messages of the topic and loads many at once into site_checkins, with the
// clauses of the generated pipeline. It stores its offsets in the same transaction, so it can be
// stopped and started at any time. The end of a message also ends its last row, even without a line
// end. If a load causes a warning, for example about a changed value, the pipeline ends with an
// error. Duplicates are no error.
//
// sinks/README.md lists what this replacement cannot show.
//
// Errors:  stop() rethrows the error of the pipeline's thread.
// Threads: one thread calls start() and stop(). Between these calls, the pipeline has a thread of
// its own.
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
    // Returns the differences between the loaded lines and the table, one row per line; empty if
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
    // stop() sets this flag. The pipeline's thread then loads the remaining messages and returns.
    std::atomic<bool> stopping_ = false;
};

}  // namespace rollcall
