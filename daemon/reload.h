// ReloadableFiles: the files that the settings name. The daemon reads them at the start, and again
// when it receives SIGHUP (a reload).
//
// If a reload cannot read some files, their previous contents remain in effect. The log, the admin
// pages and rollcall_reload_errors_total report the failure until a later reload succeeds.
//
// A file can be on a server that hangs, so a separate thread reloads the files. The same thread
// also runs `every_second`, which checks whether the files have changed.
//
// Threads: main. In the daemon, only the reload thread calls read_again(); tests call read_again()
// directly.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "config/metrics.h"
#include "pipeline/base/cursor.h"
#include "pipeline/base/error.h"
#include "pipeline/base/health_message.h"
#include "pipeline/base/wakeup.h"

namespace rollcall {

class ReloadableFiles {
public:
    ReloadableFiles() = default;
    ~ReloadableFiles();
    ReloadableFiles(const ReloadableFiles&) = delete;
    ReloadableFiles& operator=(const ReloadableFiles&) = delete;

    // A function that reads all files of one kind. If it fails, it changes nothing, and its error
    // names the file and the reason. add() makes the first call; the reload thread makes all later
    // ones.
    using Read = std::function<Result<void>()>;

    // Calls `read` now. If the call succeeds, every reload calls `read` again. Fails with
    // too_many_files if no file descriptor is left for waking the reload thread.
    [[nodiscard]] Result<void> add(Read read);
    void read_again();
    // Starts the reload thread. The thread calls `every_second` once a second, and `done` after
    // each reload.
    void start(std::function<void()> every_second, std::function<void()> done);
    // Makes the thread read all files again. Call it only if no reload is running.
    void begin_reload();
    [[nodiscard]] bool is_reloading() const { return ended_ != requested_.own(); }
    // If the thread has finished the reload, ends the reload and returns true.
    bool try_end_reload();
    // Ends the thread. If the thread is reading a file, waits until the read has ended.
    void stop();
    // Returns a message for each kind of files that the last reload could not read.
    [[nodiscard]] std::vector<std::string> health_messages() const;
    [[nodiscard]] const MetricShard& shard() const { return shard_; }

private:
    struct Files {
        Read read;
        HealthMessage health_message;  // Empty if the last read succeeded.
    };
    std::deque<Files> all_;
    MetricShard shard_;
    Cursor requested_;    // Number of reloads that main has begun.
    Cursor finished_;     // Number of reloads that the thread has finished.
    uint64_t ended_ = 0;  // Number of reloads for which try_end_reload() has returned true.
    Cursor stopping_;     // Advanced once, by stop(), to make the thread return.
    Wakeup wakeup_;
    std::thread thread_;
};

}  // namespace rollcall
