#include "pipeline/base/log_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace rollcall;
using namespace std::chrono_literals;

namespace {

constexpr size_t queue_bytes_max = 16 * 1024;

// A pipe of one page. Its content stays until the test reads it.
class Pipe {
public:
    Pipe() {
        std::signal(SIGPIPE, SIG_IGN);  // The daemon ignores SIGPIPE, too.
        BOOST_TEST_REQUIRE(pipe2(ends_, O_CLOEXEC) == 0);
        capacity_ = static_cast<size_t>(fcntl(ends_[1], F_SETPIPE_SZ, 4096));
    }
    ~Pipe() {
        close_reader();
        close(ends_[1]);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;

    [[nodiscard]] int writer() const { return ends_[1]; }
    [[nodiscard]] size_t capacity() const { return capacity_; }
    void fill() {
        const std::string bytes(capacity_ - 1, 'x');
        BOOST_TEST_REQUIRE(write(writer(), (bytes + "\n").data(), capacity_) ==
                           static_cast<ssize_t>(capacity_));
    }
    // Reads until the input ends with this text, and returns everything read.
    std::string read_to(std::string_view end) {
        char byte = 0;
        while (!text_.ends_with(end) && read(ends_[0], &byte, 1) == 1) text_ += byte;
        return std::exchange(text_, {});
    }
    void close_reader() {
        if (ends_[0] >= 0) close(std::exchange(ends_[0], -1));
    }

private:
    int ends_[2] = {-1, -1};
    size_t capacity_ = 0;
    std::string text_;
};

int64_t dropped(const LogWriter& writer) {
    return writer.shard().read(Metric::log_dropped_lines_total, 0);
}

struct Reports {
    std::string text;  // Everything that was read, without the numbers of dropped lines.
    int64_t reported = 0;
};

// Reads until the reports have counted this many dropped lines in total. The thread of the writer
// can report the lines in several parts.
Reports read_reports(Pipe& pipe, int64_t lost) {
    Reports read;
    while (read.reported < lost) {
        read.text += pipe.read_to(
            "log: lines were dropped here, because standard error was not read: lines=");
        read.reported += std::stoll(pipe.read_to("\n"));
    }
    return read;
}

bool takes_less_than(std::chrono::milliseconds limit, const auto& call) {
    const auto begun = std::chrono::steady_clock::now();
    call();
    return std::chrono::steady_clock::now() - begun < limit;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(base_log_writer)

BOOST_AUTO_TEST_CASE(lines_are_written_in_order) {
    Pipe pipe;
    LogWriter writer(pipe.writer(), queue_bytes_max);
    for (int line = 0; line < 3; ++line) log(LogLevel::notice, "line {}", line);
    const std::string text = pipe.read_to("line 2\n");
    BOOST_TEST(text.find("line 0\n") < text.find("line 1\n"));
    BOOST_TEST(text.find("line 1\n") < text.find("line 2\n"));
    BOOST_TEST(writer.flush());
    BOOST_TEST(dropped(writer) == 0);
}

BOOST_AUTO_TEST_CASE(threads_that_log_do_not_wait_for_a_reader_and_dropped_lines_are_reported) {
    Pipe pipe;
    pipe.fill();
    LogWriter writer(pipe.writer(), queue_bytes_max);
    constexpr int lines = 5000;
    BOOST_TEST(takes_less_than(5s, [] {
        std::vector<std::thread> threads;
        for (int thread = 0; thread < 4; ++thread)
            threads.emplace_back([] {
                for (int line = 0; line < lines / 4; ++line) log(LogLevel::info, "a line");
            });
        for (auto& thread : threads) thread.join();
    }));
    const int64_t lost = dropped(writer);
    BOOST_TEST(lost > 0);
    BOOST_TEST(lost < lines);
    const auto [text, reported] = read_reports(pipe, lost);
    BOOST_TEST(reported == lost);
    int written = 0;
    for (size_t at = 0; (at = text.find("a line\n", at)) != std::string::npos; ++at) ++written;
    BOOST_TEST(written + lost == lines);
    log(LogLevel::info, "the next line");
    (void)pipe.read_to("the next line\n");
    BOOST_TEST(dropped(writer) == lost);
}

BOOST_AUTO_TEST_CASE(queue_holds_no_more_than_its_limit_and_keeps_room_for_errors) {
    Pipe pipe;
    pipe.fill();
    LogWriter writer(pipe.writer(), queue_bytes_max);
    const std::string line(1023, 'i');
    for (int lines = 0; lines < 100; ++lines) writer.add(LogLevel::info, line + "\n");
    BOOST_TEST(dropped(writer) == 100 - 12);  // 12 lines of 1 KiB fit into 3/4 of 16 KiB.
    for (int lines = 0; lines < 100; ++lines) writer.add(LogLevel::error, line + "\n");
    BOOST_TEST(dropped(writer) == 200 - 16);
    // Wait until the writer's thread has written everything, because the next test case may open
    // another file with the same descriptor.
    BOOST_TEST(read_reports(pipe, 200 - 16).reported == 200 - 16);
    BOOST_TEST(writer.flush(10s));
}

BOOST_AUTO_TEST_CASE(flush_and_the_end_wait_for_a_reader_that_comes_late_but_not_for_ever) {
    Pipe pipe;
    pipe.fill();
    {
        LogWriter writer(pipe.writer(), queue_bytes_max);
        log(LogLevel::error, "why it ends");
        BOOST_TEST(takes_less_than(5s, [&] { BOOST_TEST(!writer.flush(50ms)); }));
        std::thread late([&] {
            std::this_thread::sleep_for(50ms);
            BOOST_TEST(pipe.read_to("why it ends\n") != "");
        });
        BOOST_TEST(writer.flush(10s));
        late.join();
        pipe.fill();
        log(LogLevel::error, "nobody reads this");
        BOOST_TEST(takes_less_than(5s, [&] { BOOST_TEST(!writer.flush(1ms)); }));
    }
    // The writer has abandoned its thread, which is blocked in write(). Closing the pipe ends this
    // thread.
    pipe.close_reader();
}

BOOST_AUTO_TEST_CASE(lines_that_a_closed_descriptor_refuses_count_as_dropped) {
    Pipe pipe;
    pipe.close_reader();
    LogWriter writer(pipe.writer(), queue_bytes_max);
    log(LogLevel::notice, "a line");
    BOOST_TEST(writer.flush());
    BOOST_TEST(dropped(writer) == 1);
}

BOOST_AUTO_TEST_SUITE_END()
