#include "daemon/signals.h"

#include <csignal>
#include <utility>

#include "pipeline/base/error.h"
#include "pipeline/base/heartbeat.h"

namespace rollcall {

namespace {

constexpr int numbers[] = {SIGTERM, SIGINT, SIGHUP};
constexpr timespec deadline_check_interval{.tv_sec = 0, .tv_nsec = 100'000'000};

sigset_t signal_set() {
    sigset_t set{};
    sigemptyset(&set);
    for (const int number : numbers) sigaddset(&set, number);
    return set;
}

}  // namespace

Signals::Signals(const Clock& clock, End end) : clock_(clock), end_(std::move(end)) {
    const sigset_t set = signal_set();
    ensure(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
    thread_ = std::thread([this] { run(); });
}

Signals::~Signals() {
    destroyed_.advance(1);
    pthread_kill(thread_.native_handle(), SIGHUP);  // Wakes the thread.
    thread_.join();
}

void Signals::serve(std::function<void()> wake) {
    wake_ = std::move(wake);
    serving_.advance(1);
    wake_();  // For signals that arrived before this call.
}

void Signals::end_after(std::chrono::milliseconds time) {
    deadline_us_.set(clock_.steady_us() + time.count() * 1000);
}

// Receives signals. Before the first stop signal there is no deadline, so the thread waits without
// a timeout.
void Signals::run() {
    name_this_thread("signals");
    const sigset_t set = signal_set();
    for (;;) {
        const int number = stops_.own() == 0
                               ? sigwaitinfo(&set, nullptr)
                               : sigtimedwait(&set, nullptr, &deadline_check_interval);
        if (destroyed_.read() != 0) return;
        if (number > 0) receive(number);
        const int64_t deadline_us = deadline_us_.read();
        if (deadline_us != 0 && clock_.steady_us() > deadline_us)
            end_("the stop took longer than drain_timeout_max or delivery.stop_timeout_max allows");
    }
}

void Signals::receive(int number) {
    const bool serving = serving_.read() != 0;
    if (number == SIGHUP) {
        reloads_.advance(reloads_.own() + 1);
    } else if (!serving) {
        return end_("a signal to stop arrived during the start");
    } else if (stops_.own() != 0) {
        return end_("a second signal was received");
    } else {
        stops_.advance(1);
    }
    if (serving) wake_();
}

}  // namespace rollcall
