#include "daemon/reload.h"

#include <utility>

#include "pipeline/base/heartbeat.h"
#include "pipeline/base/log.h"

namespace rollcall {

ReloadableFiles::~ReloadableFiles() { stop(); }

Result<void> ReloadableFiles::add(Read read) {
    if (auto made = wakeup_.check(); !made) return made;
    if (auto done = read(); !done) return done;
    all_.emplace_back().read = std::move(read);
    return {};
}

void ReloadableFiles::read_again() {
    for (Files& files : all_) {
        const auto done = files.read();
        files.health_message.set(
            done ? ""
                 : describe(done.error()) +
                       "; all files of the same section keep their previous contents");
        if (done) continue;
        shard_.add(Metric::reload_errors_total);
        log(LogLevel::error, "reload: {}", files.health_message.text());
    }
}

void ReloadableFiles::start(std::function<void()> every_second, std::function<void()> done) {
    thread_ = std::thread([this, every_second = std::move(every_second), done = std::move(done)] {
        name_this_thread("files");
        while (stopping_.read() == 0) {
            if (requested_.read() != finished_.own()) {
                read_again();
                finished_.advance(requested_.read());
                done();
            }
            every_second();
            wakeup_.wait(std::chrono::seconds(1));
        }
    });
}

void ReloadableFiles::begin_reload() {
    ensure(!is_reloading());
    requested_.advance(requested_.own() + 1);
    wakeup_.notify();
}

bool ReloadableFiles::try_end_reload() {
    if (!is_reloading() || finished_.read() != requested_.own()) return false;
    ended_ = requested_.own();
    return true;
}

void ReloadableFiles::stop() {
    if (!thread_.joinable()) return;
    stopping_.advance(1);
    wakeup_.notify();
    thread_.join();
}

std::vector<std::string> ReloadableFiles::health_messages() const {
    std::vector<std::string> messages;
    for (const Files& files : all_)
        if (std::string message = files.health_message.text(); !message.empty())
            messages.push_back(std::move(message));
    return messages;
}

}  // namespace rollcall
