#include "pipeline/base/log_writer.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "pipeline/base/heartbeat.h"

namespace rollcall {

namespace {

// Writes the whole text. Returns false if the descriptor accepts no more data.
bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = write(fd, text.data(), text.size());
        if (count > 0) {
            text.remove_prefix(static_cast<size_t>(count));
        } else if (count < 0 && errno == EAGAIN) {  // Another process has set O_NONBLOCK.
            pollfd writable{fd, POLLOUT, 0};
            (void)poll(&writable, 1, -1);
        } else if (count == 0 || errno != EINTR) {
            return false;
        }
    }
    return true;
}

std::string dropped_line(uint64_t lines) {
    return format_log_line(
        LogLevel::warning,
        {.message = "log: lines were dropped here, because standard error was not read",
         .details = {{"lines", lines}}});
}

}  // namespace

// A queue of waiting lines, protected by a mutex. While the mutex is locked, the only system call
// is a wakeup, so no thread waits for the mutex for long.
class LogWriter::Queue {
public:
    Queue(int fd, size_t bytes_max) : fd_(fd), bytes_max_(bytes_max) {}

    void add(LogLevel level, std::string_view line) {
        const size_t limit = level == LogLevel::error ? bytes_max_ : bytes_max_ / 4 * 3;
        const std::lock_guard lock(mutex_);
        if (waiting_.size() + writing_bytes_ + line.size() > limit) return drop(1);
        waiting_.append(line);
        changed_.notify_all();
    }

    // Writes waiting lines until close() is called.
    void run() {
        std::unique_lock lock(mutex_);
        for (;;) {
            changed_.wait(lock, [this] { return closing_ || has_lines(); });
            if (!has_lines()) return;
            const std::string text = take();
            writing_ = true;
            const auto lines = static_cast<uint64_t>(std::ranges::count(text, '\n'));
            lock.unlock();
            const bool written = write_all(fd_, text);
            lock.lock();
            writing_bytes_ = 0;
            writing_ = false;
            if (!written) count_dropped(lines);
            changed_.notify_all();
        }
    }

    bool flush(std::chrono::milliseconds longest) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, longest, [this] { return !has_lines() && !writing_; });
    }

    void close() {
        const std::lock_guard lock(mutex_);
        closing_ = true;
        changed_.notify_all();
    }

    [[nodiscard]] const MetricShard& shard() const { return shard_; }

private:
    [[nodiscard]] bool has_lines() const { return !waiting_.empty() || dropped_ > 0; }

    // Removes and returns all waiting lines. Appends a line with the number of dropped lines.
    std::string take() {
        std::string text = std::exchange(waiting_, {});
        writing_bytes_ = text.size();
        if (const uint64_t lines = std::exchange(dropped_, 0); lines > 0)
            text += dropped_line(lines);
        return text;
    }

    void drop(uint64_t lines) {
        dropped_ += lines;
        count_dropped(lines);
    }

    void count_dropped(uint64_t lines) {
        shard_.add(Metric::log_dropped_lines_total, static_cast<int64_t>(lines));
    }

    const int fd_;
    const size_t bytes_max_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::string waiting_;
    size_t writing_bytes_ = 0;  // Bytes of lines that left waiting_ and are not written yet.
    bool writing_ = false;
    uint64_t dropped_ = 0;  // Dropped lines that have not been reported yet.
    bool closing_ = false;
    MetricShard shard_;  // Changed only with the mutex locked, so that it has one writer at a time.
};

LogWriter::LogWriter(int fd, size_t queue_bytes_max)
    : queue_(std::make_shared<Queue>(fd, queue_bytes_max)) {
    // Block all signals while the thread is created. The thread inherits this mask, so signals are
    // delivered to other threads.
    sigset_t all{};
    sigset_t before{};
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread([queue = queue_] {
        name_this_thread("log");
        queue->run();
    }).detach();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    set_log_output([this](LogLevel level, std::string_view line) { add(level, line); });
}

LogWriter::~LogWriter() {
    set_log_output({});
    flush();
    queue_->close();
}

void LogWriter::add(LogLevel level, std::string_view line) { queue_->add(level, line); }

bool LogWriter::flush(std::chrono::milliseconds longest) { return queue_->flush(longest); }

const MetricShard& LogWriter::shard() const { return queue_->shard(); }

}  // namespace rollcall
