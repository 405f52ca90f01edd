// Tests of the cost of a check-in: the system calls, wakeups and allocations of each thread.
// Sanitizer builds skip these tests, because a sanitizer makes calls of its own.
//
// One client sends a round of check-ins and waits for all their replies before the next round. So
// the number of check-ins that the daemon handles together does not depend on the speed of the
// machine. The counts are the same on a loaded machine. Durations are not measured.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/mqtt_client.h"
#include "tests/support/mqtt_packets.h"
#include "tests/support/syscalls.h"
#include "tests/support/test_daemon.h"
#include "tests/support/thread_allocations.h"

using namespace rollcall;

namespace {

constexpr size_t checkins = 1000;
constexpr size_t warm_up_rounds = 100;  // Then buffers and slots have their final size.

// Maximum number of calls or wakeups of a thread that are not for check-ins, in a whole run. For
// example, a thread checks timers, limits and files once a second. The maximum is smaller than the
// number of check-ins, so one more call for each check-in exceeds the bound.
constexpr size_t aside_max = 600;

struct Shape {
    std::string_view protocol;
    size_t in_flight = 1;  // Check-ins of a round.

    [[nodiscard]] size_t rounds() const { return (checkins + in_flight - 1) / in_flight; }
};
constexpr Shape http{"http"};
constexpr Shape mqtt{"mqtt"};
constexpr Shape mqtt_16{"mqtt", 16};

// Sends rounds of check-ins, no two of them the same.
class Router {
public:
    Router(const TestDaemon& daemon, Shape shape) : shape_(shape) {
        if (shape.protocol == "http")
            http_ = std::make_unique<HttpClient>(daemon.http_port());
        else
            mqtt_ = std::make_unique<MqttClient>(daemon.mqtt_port(), "HX1");
    }

    void send(size_t rounds) {
        for (size_t round = 0; round < rounds; ++round) {
            if (http_)
                BOOST_TEST_REQUIRE(http_->post(body()).status == 200);
            else
                publish();
        }
    }

private:
    std::string body() {
        return fmt::format(
            R"~({{"serial_number":"HX1","identity":"JHB-Sandton-7","version":"7.17 (stable)",)~"
            R"~("uptime":"6d23h19m23s","cpu_count":2,"cpu_load":3,"total_memory":1073741824,)~"
            R"~("temperature":41,"voltage":"24.1","wan_ip":"100.72.14.9","seq":{},"note":"{:x<200}"}})~",
            ++sequence_, "");
    }

    void publish() {
        std::string packets;
        std::string replies;
        for (size_t id = 1; id <= shape_.in_flight; ++id) {
            packets += packets::publish(4, 1, id, {.topic = "checkins/HX1", .payload = body()});
            replies += packets::puback(id);
        }
        mqtt_->connection().send(packets);
        BOOST_TEST_REQUIRE(mqtt_->connection().take(replies.size()) == replies);
    }

    Shape shape_;
    std::unique_ptr<HttpClient> http_;
    std::unique_ptr<MqttClient> mqtt_;
    uint64_t sequence_ = 0;
};

const std::vector<std::string> settings{"workers = 1", R"(sinks = ["discard"])"};
// An argument overrides the settings of TestDaemon, which set batch_age_max to 10 ms. With 10 ms,
// the sink's thread would check for work a hundred times a second.
const std::vector<std::string> arguments{"--set", "delivery.batch_age_max=1s"};

// Returns the names of the daemon's threads by their ids. Waits until the last thread has its name.
std::map<std::string, std::string> thread_names(pid_t pid) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
        std::map<std::string, std::string> names;
        bool complete = false;
        for (const auto& task :
             std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid))) {
            std::string& name = names[task.path().filename()];
            std::ifstream file(task.path() / "comm");
            std::getline(file, name);
            complete |= name == "sink discard";
        }
        if (complete) return names;
        BOOST_TEST_REQUIRE((std::chrono::steady_clock::now() < deadline));
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

// --- system calls ---

struct Calls {
    size_t reads = 0;   // Calls that read check-ins.
    size_t writes = 0;  // Calls that write replies.
    std::map<std::string, size_t> by_thread;

    [[nodiscard]] size_t of(const std::string& thread) const {
        const auto found = by_thread.find(thread);
        return found == by_thread.end() ? 0 : found->second;
    }
};

// Requests for these paths mark the counted rounds in the trace. The worker reads the first request
// before the first round, and the last request after the last round.
constexpr std::string_view first_mark = "GET /first-mark";
constexpr std::string_view last_mark = "GET /last-mark";

void send_mark(const TestDaemon& daemon, std::string_view mark) {
    BOOST_TEST(HttpClient(daemon.http_port()).get(mark.substr(4)).status == 404);
}

// Counts the calls that began between the two marks, except sched_yield(). libuv yields the core
// while another thread writes a notification. strace delays this write, so the number of yields
// depends on strace and on the load of the machine.
Calls count_calls(const std::vector<Syscall>& trace,
                  const std::map<std::string, std::string>& names) {
    const auto is_mark = [&](std::string_view mark) {
        return [mark](const Syscall& call) { return call.is("read") && call.holds(mark); };
    };
    const auto first = std::ranges::find_if(trace, is_mark(first_mark));
    const auto last = std::ranges::find_if(trace, is_mark(last_mark));
    BOOST_TEST_REQUIRE((first != trace.end() && last != trace.end()));
    Calls calls;
    for (const Syscall& call : trace) {
        if (call.begun <= first->begun || call.begun >= last->begun) continue;
        if (call.is("sched_yield")) continue;
        ++calls.by_thread[names.at(call.thread)];
        const bool sent = call.holds("POST /v1/checkins") || call.holds("checkins/HX1");
        const bool replied = call.holds("HTTP/1.1 200") || call.holds(R"("@\2\0)");
        if (call.is("read") && sent) ++calls.reads;
        if (call.is("write") && replied) ++calls.writes;
    }
    return calls;
}

Calls calls_of(Shape shape, const std::vector<std::string>& traced_environment = {}) {
    const TemporaryDirectory directory;
    const auto file = directory.path() / "trace";
    auto wrapper = traced_into(file, "all");
    for (const auto& variable : traced_environment) wrapper.insert(wrapper.end(), {"-E", variable});
    TestDaemon daemon({.settings = settings, .arguments = arguments, .wrapper = wrapper});
    Router router(daemon, shape);
    router.send(warm_up_rounds);
    send_mark(daemon, first_mark);
    router.send(shape.rounds());
    send_mark(daemon, last_mark);
    const auto names = thread_names(daemon.process().pid());
    BOOST_TEST((daemon.stop() == 0), daemon.log());
    const Calls calls = count_calls(read_trace(file), names);
    for (const auto& [thread, count] : calls.by_thread)
        BOOST_TEST_MESSAGE(shape.protocol << ", " << shape.in_flight << " in flight: " << thread
                                          << " made " << count << " system calls");
    return calls;
}

// In each round, the worker waits for the request, reads it, notifies the committer, waits for the
// disk, reads the committer's notification, and writes the reply.
constexpr size_t worker_calls = 6;
// In each round, the committer waits for a slot, reads the notification, writes the record, syncs,
// checks twice that the segment is still in its folder, and notifies the worker.
constexpr size_t committer_calls = 7;

void expect_few_calls(Shape shape) {
    const Calls calls = calls_of(shape);
    const size_t rounds = shape.rounds();
    BOOST_TEST(calls.reads == rounds);
    BOOST_TEST(calls.writes == rounds);
    BOOST_TEST(calls.of("worker") <= worker_calls * rounds + aside_max);
    BOOST_TEST(calls.of("committer") <= committer_calls * rounds + aside_max);
    for (const auto& [thread, count] : calls.by_thread)
        if (thread != "worker" && thread != "committer")
            BOOST_TEST(count <= aside_max, thread << ": " << count);
}

// --- wakeups and allocations ---

struct Used {
    // Number of times that the thread stopped to wait for an event. It does not stop if the event
    // has already happened, so the number is smaller on a fast machine.
    size_t wakeups = 0;
    size_t allocations = 0;
};

size_t voluntary_switches(pid_t pid, const std::string& thread) {
    std::ifstream status(fmt::format("/proc/{}/task/{}/status", pid, thread));
    for (std::string word; status >> word;)
        if (size_t count = 0; word == "voluntary_ctxt_switches:" && status >> count) return count;
    throw std::runtime_error("thread " + thread + " has no count of its switches");
}

std::map<uint64_t, size_t> allocations_by_thread(const std::filesystem::path& file) {
    std::ifstream table(file, std::ios::binary);
    std::map<uint64_t, size_t> counts;
    for (ThreadAllocations entry; table.read(reinterpret_cast<char*>(&entry), sizeof entry);)
        if (entry.thread != 0) counts[entry.thread] = entry.count;
    return counts;
}

// Returns what each thread has used so far.
std::map<std::string, Used> used_by_threads(pid_t pid, const std::filesystem::path& file,
                                            const std::map<std::string, std::string>& names) {
    std::map<std::string, Used> used;
    const auto allocations = allocations_by_thread(file);
    for (const auto& [id, name] : names) {
        const auto counted = allocations.find(std::stoull(id));
        used[name] = {.wakeups = voluntary_switches(pid, id),
                      .allocations = counted == allocations.end() ? 0 : counted->second};
    }
    return used;
}

// Syncs are off, because how often a thread waits during a sync depends on the disk.
std::map<std::string, Used> used_for(Shape shape, const std::string& preloads = "",
                                     const std::string& variable = "ROLLCALL_UNUSED=1") {
    const TemporaryDirectory directory;
    const auto file = directory.path() / "allocations";
    auto options = settings;
    options.push_back("spool.sync = false");
    TestDaemon daemon(
        {.settings = options,
         .arguments = arguments,
         .environment = {"LD_PRELOAD=" COUNT_ALLOCATIONS_PATH + preloads,
                         fmt::format("{}={}", allocations_variable, file.string()), variable}});
    const pid_t pid = daemon.process().pid();
    Router router(daemon, shape);
    router.send(warm_up_rounds);
    const auto names = thread_names(pid);
    const auto before = used_by_threads(pid, file, names);
    router.send(shape.rounds());
    auto used = used_by_threads(pid, file, names);
    for (auto& [thread, now] : used) {
        now.wakeups -= before.at(thread).wakeups;
        now.allocations -= before.at(thread).allocations;
        BOOST_TEST_MESSAGE(shape.protocol << ", " << shape.in_flight << " in flight: " << thread
                                          << " waited " << now.wakeups << " times and made "
                                          << now.allocations << " allocations");
    }
    BOOST_TEST((daemon.stop() == 0), daemon.log());
    return used;
}

constexpr size_t worker_wakeups = 2;     // For the request, and when its record is on disk.
constexpr size_t committer_wakeups = 1;  // When a slot was published.
constexpr size_t allocations_max = 200;  // In the whole run.

void expect_few_wakeups_and_no_allocations(Shape shape) {
    const auto used = used_for(shape);
    BOOST_TEST(used.at("worker").wakeups <= worker_wakeups * shape.rounds() + aside_max);
    BOOST_TEST(used.at("committer").wakeups <= committer_wakeups * shape.rounds() + aside_max);
    for (const auto& [thread, now] : used) {
        BOOST_TEST(now.allocations <= allocations_max, thread << ": " << now.allocations);
        if (thread != "worker" && thread != "committer")
            BOOST_TEST(now.wakeups <= aside_max, thread << ": " << now.wakeups);
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cost)

BOOST_AUTO_TEST_CASE(http_check_in_takes_one_read_one_write_and_few_other_calls) {
    expect_few_calls(http);
}

BOOST_AUTO_TEST_CASE(mqtt_check_in_takes_one_read_one_write_and_few_other_calls) {
    expect_few_calls(mqtt);
}

BOOST_AUTO_TEST_CASE(sixteen_mqtt_check_ins_in_flight_take_as_many_calls_as_one) {
    expect_few_calls(mqtt_16);
}

BOOST_AUTO_TEST_CASE(http_check_in_wakes_two_threads_three_times_and_allocates_nothing) {
    expect_few_wakeups_and_no_allocations(http);
}

BOOST_AUTO_TEST_CASE(mqtt_check_in_wakes_two_threads_three_times_and_allocates_nothing) {
    expect_few_wakeups_and_no_allocations(mqtt);
}

BOOST_AUTO_TEST_CASE(sixteen_mqtt_check_ins_in_flight_wake_threads_as_often_as_one) {
    expect_few_wakeups_and_no_allocations(mqtt_16);
}

// The following cases show that the cases above can fail. At each read of a check-in, a preloaded
// library makes the additional calls and allocations that the name of the case states.
BOOST_AUTO_TEST_CASE(one_call_more_for_each_check_in_exceeds_the_bound) {
    for (const Shape shape : {http, mqtt}) {
        const Calls calls = calls_of(shape, {"LD_PRELOAD=" PLANTED_COST_PATH});
        BOOST_TEST(calls.of("worker") > worker_calls * shape.rounds() + aside_max);
    }
}

// The bound allows the worker two wakeups for each check-in. On a fast machine the worker may not
// have to stop for its own two waits. Then one or two additional waits would stay within the bound,
// so the library adds three. The case above finds a single additional wait, because every wait is a
// system call.
BOOST_AUTO_TEST_CASE(an_allocation_and_three_waits_more_for_each_check_in_exceed_the_bounds) {
    for (const Shape shape : {http, mqtt}) {
        const auto used = used_for(shape, ":" PLANTED_COST_PATH, "ROLLCALL_PLANTED_WAITS=3");
        BOOST_TEST(used.at("worker").wakeups > worker_wakeups * shape.rounds() + aside_max);
        BOOST_TEST(used.at("worker").allocations > allocations_max);
    }
}

BOOST_AUTO_TEST_SUITE_END()
