// A real daemon runs out of a resource (spool, disk, files or memory), or its clock is wrong. The
// daemon must count and log the problem, and its clients must wait or receive an error. When the
// resource is available again, no acknowledged check-in may be missing.
#include <fmt/core.h>
#include <sys/mman.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <memory>
#include <thread>
#include <vector>

#include "tests/support/routers.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_daemon.h"

using namespace rollcall;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

constexpr std::string_view report = R"({"serial_number":"S","cpu_load":7})";

// Returns a command that runs a script and then a daemon, in a mount namespace of their own.
std::vector<std::string> in_own_mounts(std::string_view script) {
    return {"unshare",
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            fmt::format("{} && exec \"$@\"", script),
            "sh"};
}

// Returns the path of a file in the daemon's mount namespace, as this process sees it.
fs::path seen_by(TestDaemon& daemon, const fs::path& path) {
    return fmt::format("/proc/{}/root{}", daemon.process().pid(), path.string());
}

void set_open_files(TestDaemon& daemon, std::string_view soft_limit) {
    const auto done = run({"prlimit", "--pid", std::to_string(daemon.process().pid()),
                           fmt::format("--nofile={}:", soft_limit)});
    BOOST_TEST(done.status == 0, done.errors);
}

uint64_t number_behind(const std::string& text, std::string_view word) {
    const size_t at = text.find(word);
    return at == std::string::npos ? 0 : std::stoull(text.substr(at + word.size()));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(limits)

BOOST_AUTO_TEST_CASE(full_spool_sends_new_clients_away_and_loses_nothing) {
    const TemporaryDirectory elsewhere;
    const fs::path not_there_yet = elsewhere.path() / "later";
    TestDaemon daemon(
        {.settings = {R"(spool.size_max = "64MiB")", R"(overload_wait_max = "100ms")",
                      R"(delivery.retry_delay_max = "100ms")",
                      fmt::format(R"(sqlite.path = "{}")", (not_there_yet / "db").string())}});
    // Sends check-ins until the spool is full, and then some more. The last ones are not
    // acknowledged before rollcall-load ends.
    const auto load =
        run({ROLLCALL_LOAD_PATH, "--target", fmt::format("127.0.0.1:{}", daemon.http_port()),
             "--body-bytes", "4000", "--connections", "64", "--seconds", "20"});
    const uint64_t acknowledged = number_behind(load.output, "acknowledged");
    BOOST_TEST(acknowledged > 5000);
    BOOST_TEST(daemon.says("spool: full; check-ins wait until the disk has room"), daemon.log());
    BOOST_TEST(daemon.says("overload: rejecting new clients because of the spool's backlog"),
               daemon.log());
    BOOST_TEST(daemon.metric("rollcall_spool_full") == 1);
    BOOST_TEST(daemon.metric("rollcall_spool_size_bytes") <= 64 << 20);
    BOOST_TEST(daemon.admin("/readyz").status == 503);
    const auto refused = daemon.post(report);
    BOOST_TEST(refused.status == 503);
    BOOST_TEST(std::stoi("0" + refused.header("Retry-After")) > 0);
    BOOST_TEST(daemon.metric(R"(rollcall_checkins_rejected_total{transport="http",)"
                             R"(code="overloaded"})") == 1);

    fs::create_directory(not_there_yet);
    BOOST_TEST(daemon.says("spool: accepting check-ins again"));
    BOOST_TEST(daemon.says("overload: ended"));
    BOOST_TEST(daemon.post(report).status == 200);
    BOOST_TEST((daemon.stop() == 0), daemon.log());
    const auto stored = run({"sqlite3", not_there_yet / "db",
                             "SELECT COUNT(*) - COUNT(DISTINCT id), COUNT(*) FROM site_checkins"});
    BOOST_TEST(stored.output.starts_with("0|"), stored.output);
    BOOST_TEST(number_behind(stored.output, "|") > acknowledged);
}

// Without a key file, the first file that needs the full disk is the daemon's own fingerprint key.
// With a key file on another disk, the first one is a file of the spool.
BOOST_AUTO_TEST_CASE(start_on_a_full_disk_waits_until_the_disk_has_room) {
    const TemporaryDirectory large;
    const fs::path key = large.path() / "key";
    std::ofstream(key) << "0123456789abcdef0123456789abcdef";
    fs::permissions(key, fs::perms::owner_read);
    for (const std::string& key_file : {std::string(), key.string()}) {
        const TemporaryDirectory small;
        TestDaemon daemon({.arguments = {"--set", "state_dir=" + small.path().string(), "--set",
                                         "sqlite.path=" + (large.path() / "db").string(), "--set",
                                         "spool.segment_size=4MiB", "--set",
                                         "delivery.fingerprint_key_file=" + key_file},
                           .wrapper = in_own_mounts(
                               fmt::format("state={}; mount -t tmpfs -o size=16m none $state && "
                                           "{{ dd if=/dev/zero of=$state/filler bs=64k status=none "
                                           "2>/dev/null || true; }} && "
                                           "{{ (sleep 3; rm $state/filler) & }}",
                                           small.path().string()))});
        BOOST_TEST(daemon.says("start: waiting until the disk has room: "), daemon.log());
        // A separate thread writes the log, so the line can come a moment after the daemon is
        // ready.
        BOOST_TEST(daemon.says("start: the disk has room again"));
        BOOST_TEST(daemon.post(report).status == 200);
        BOOST_TEST((daemon.stop() == 0), daemon.log());
    }
}

BOOST_AUTO_TEST_CASE(sqlite_waits_while_its_disk_is_too_full_for_a_batch) {
    const TemporaryDirectory small;
    const std::string database = (small.path() / "db").string();
    TestDaemon daemon(
        {.arguments = {"--set", "sqlite.path=" + database},
         .wrapper = in_own_mounts("mount -t tmpfs -o size=16m none " + small.path().string())});
    BOOST_TEST(daemon.post(report).status == 200);
    const auto rows = [&] { return daemon.metric(R"(rollcall_sink_rows_total{sink="sqlite"})"); };
    BOOST_TEST(before_long([&] { return rows() == 1; }));
    const fs::path filler = seen_by(daemon, small.path() / "filler");
    (void)run({"dd", "if=/dev/zero", "of=" + filler.string(), "bs=64k", "status=none"});
    BOOST_TEST(daemon.post(R"({"serial_number":"T"})").status == 200);
    BOOST_TEST(daemon.says("its disk has 0 MiB left"), daemon.log());
    BOOST_TEST(daemon.metric(R"(rollcall_sink_up{sink="sqlite"})") == 0);
    BOOST_TEST(daemon.admin("/readyz").body.find("sink sqlite: down for ") != std::string::npos);
    BOOST_TEST(daemon.admin("/status.json").body.find(R"("state": "down")") != std::string::npos);
    BOOST_TEST(fs::remove(filler));
    BOOST_TEST(before_long([&] { return rows() == 2; }), daemon.log());
    BOOST_TEST((daemon.stop() == 0), daemon.log());
}

BOOST_AUTO_TEST_CASE(disk_that_fills_up_and_is_freed_loses_nothing) {
    const TemporaryDirectory small;
    const TemporaryDirectory large;
    TestDaemon daemon(
        {.arguments = {"--set", "state_dir=" + small.path().string(), "--set",
                       "sqlite.path=" + (large.path() / "db").string(), "--set",
                       "spool.segment_size=4MiB"},
         .wrapper = in_own_mounts("mount -t tmpfs -o size=16m none " + small.path().string())});
    Routers routers;
    routers.connect(daemon);
    std::this_thread::sleep_for(200ms);
    const fs::path filler = seen_by(daemon, small.path() / "filler");
    // Fills the disk, including the space of segments that the spool deletes in the meantime.
    BOOST_TEST(before_long([&] {
        (void)run({"dd", "if=/dev/zero", "of=" + filler.string(), "bs=64k", "oflag=append",
                   "conv=notrunc", "status=none"});
        return daemon.metric("rollcall_spool_full") == 1;
    }));
    BOOST_TEST(daemon.says("spool: full; check-ins wait until the disk has room"), daemon.log());
    BOOST_TEST(daemon.admin("/readyz").status == 503);
    BOOST_TEST(fs::remove(filler));
    BOOST_TEST(before_long([&] { return daemon.metric("rollcall_spool_full") == 0; }));
    BOOST_TEST(daemon.says("spool: accepting check-ins again"), daemon.log());
    const double accepted = daemon.metric("rollcall_spool_records_total");
    BOOST_TEST(
        before_long([&] { return daemon.metric("rollcall_spool_records_total") > accepted; }));
    routers.disconnect();
    BOOST_TEST((daemon.stop() == 0), daemon.log());
    BOOST_TEST(routers.acknowledged() > 0);
    BOOST_TEST(routers.losses_and_repeats(large.path() / "db") == "");
}

BOOST_AUTO_TEST_CASE(clock_that_is_set_by_years_loses_and_repeats_nothing) {
    constexpr int64_t year = 365 * 86400;
    const TemporaryDirectory directory;
    const auto path = directory.path() / "ahead";
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary | std::ios::trunc);
    const auto set_clock = [&](int64_t ahead_s) {
        file.seekp(0);
        file.write(reinterpret_cast<const char*>(&ahead_s), sizeof ahead_s).flush();
    };
    set_clock(0);
    TestDaemon daemon(
        {.environment = {"LD_PRELOAD=" JUMPING_CLOCK_PATH, "ASAN_OPTIONS=verify_asan_link_order=0",
                         "JUMPING_CLOCK=" + path.string()}});
    Routers routers;
    routers.connect(daemon);
    int jumps = 0;
    for (const int64_t ahead_s :
         {10 * year, int64_t{-20} * year, int64_t{0}, int64_t{-3600}, int64_t{90}}) {
        set_clock(ahead_s);
        ++jumps;
        BOOST_TEST(
            before_long([&] { return daemon.metric("rollcall_clock_jumps_total") == jumps; }));
        std::this_thread::sleep_for(200ms);
    }
    BOOST_TEST(daemon.says(fmt::format("clock: set forward: seconds={}", 10 * year)));
    BOOST_TEST(daemon.says(fmt::format("clock: set back: seconds={}", 30 * year)));
    // Set the clock while the daemon is not running.
    routers.disconnect();
    for (const int64_t ahead_s : {-5 * year, 5 * year}) {
        daemon.kill();
        set_clock(ahead_s);
        daemon.start();
        routers.connect(daemon);
        std::this_thread::sleep_for(300ms);
        routers.disconnect();
    }
    BOOST_TEST((daemon.stop() == 0), daemon.log());
    BOOST_TEST(routers.acknowledged() > 1000);
    BOOST_TEST(routers.losses_and_repeats(daemon) == "");
}

BOOST_AUTO_TEST_CASE(connections_beyond_what_may_be_open_are_closed_and_counted) {
    TestDaemon daemon(
        {.arguments = {"--set", "workers=1"}, .wrapper = {"prlimit", "--nofile=200:200"}});
    BOOST_TEST(daemon.says("connections_max: reduced, because the limit of open files is too low: "
                           "from=16384 to=72 open_files_max=200; raise LimitNOFILE="),
               daemon.log());
    const uint16_t port = daemon.http_port();
    HttpClient first(port);
    BOOST_TEST(first.post(report).status == 200);
    std::vector<std::unique_ptr<TcpClient>> others;
    for (int i = 0; i < 100; ++i) others.push_back(std::make_unique<TcpClient>(port));
    constexpr std::string_view refused =
        R"(rollcall_checkins_rejected_total{transport="http",code="too_many_connections"})";
    BOOST_TEST(before_long([&] { return daemon.metric(refused) == 29; }));
    BOOST_TEST(std::ranges::count_if(others, [](auto& one) { return one->ends_within(0ms); }) ==
               29);
    BOOST_TEST(daemon.says("refused over http: code=too_many_connections"), daemon.log());
    BOOST_TEST(first.post(report).status == 200);
    others.clear();
    BOOST_TEST(before_long(
        [&] { return daemon.metric(R"(rollcall_connections{transport="http"})") == 1; }));
    BOOST_TEST(daemon.post(report).status == 200);
}

BOOST_AUTO_TEST_CASE(without_another_file_clients_and_segments_wait_and_nothing_is_lost) {
    TestDaemon daemon({.settings = {"workers = 1", R"(spool.segment_size = "4MiB")"}});
    Routers routers;
    routers.connect(daemon);
    std::this_thread::sleep_for(200ms);
    // Descriptors 0 to 2 are in use, so the daemon can open no further file.
    set_open_files(daemon, "3");
    HttpClient late(daemon.http_port());
    late.send(post_request(report));
    // Without descriptors the daemon can begin no segment and accept no connection.
    BOOST_TEST(daemon.says("spool: no file can be opened"));
    BOOST_TEST(daemon.says("cannot accept connections, clients wait: Too many open files"),
               daemon.log());
    BOOST_TEST(!late.connection().readable_within(500ms));
    set_open_files(daemon, "1000");
    BOOST_TEST(late.receive().status == 200);
    BOOST_TEST(daemon.says("spool: accepting check-ins again"));
    BOOST_TEST(daemon.says("accepting connections again"));
    BOOST_TEST(daemon.metric("rollcall_accept_pauses_total") > 0);
    routers.disconnect();
    BOOST_TEST((daemon.stop() == 0), daemon.log());
    BOOST_TEST(routers.losses_and_repeats(daemon) == "");
}

BOOST_AUTO_TEST_CASE(near_the_memory_limit_of_its_control_group_it_sends_new_clients_away) {
    // Files of the control group, with the contents that the kernel would write.
    const fs::path groups = "/sys/fs/cgroup";
    TestDaemon daemon(
        {.settings = {R"(overload_wait_max = "100ms")", R"(replies.next = "30s")"},
         .wrapper = in_own_mounts(
             "group=/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup) && "
             "mount -t tmpfs none /sys/fs/cgroup && mkdir -p $group && "
             "echo 100000000 >$group/memory.max && echo 1000000 >$group/memory.current && "
             "ln -s $group/memory.current /sys/fs/cgroup/used")});
    const auto use = [&](int64_t bytes) {
        const auto link = fs::read_symlink(seen_by(daemon, groups / "used"));
        std::ofstream(seen_by(daemon, link)) << bytes << '\n';
    };
    HttpClient connected(daemon.http_port());
    BOOST_TEST(connected.post(report).status == 200);
    use(97'000'000);
    BOOST_TEST(daemon.says("overload: rejecting new clients because of memory"));
    BOOST_TEST(daemon.metric("rollcall_pressure_ratio") == 1);
    BOOST_TEST(daemon.metric("rollcall_memory_ratio") > 0.9);
    BOOST_TEST(daemon.admin("/readyz").status == 503);
    const auto asked = connected.post(report);
    BOOST_TEST(asked.status == 200);
    BOOST_TEST(number_behind(asked.body, R"("next":)") > 100);
    const auto refused = daemon.post(report);
    BOOST_TEST(refused.status == 503);
    BOOST_TEST(std::stoi("0" + refused.header("Retry-After")) > 0);
    use(50'000'000);
    BOOST_TEST(daemon.says("overload: ended"));
    BOOST_TEST(daemon.post(report).status == 200);
    BOOST_TEST(daemon.query_until("3", "SELECT COUNT(*) FROM site_checkins") == "3");
}

BOOST_AUTO_TEST_SUITE_END()
