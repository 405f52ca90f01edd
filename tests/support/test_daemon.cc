#include "tests/support/test_daemon.h"

#include <fmt/core.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace rollcall {

namespace {

using namespace std::chrono_literals;

// Port 0 lets the kernel choose a port. A short batch age makes rows visible quickly.
constexpr std::string_view test_settings = R"(
http.listen = ["127.0.0.1:0"]
mqtt.listen = ["127.0.0.1:0"]
admin.listen = ["127.0.0.1:0"]
delivery.batch_age_max = "10ms"
)";

}  // namespace

std::string rollcalld_path() {
    const char* other = std::getenv("ROLLCALLD");
    return other != nullptr ? other : ROLLCALLD_PATH;
}

TestDaemon::TestDaemon(const Options& options)
    : notify_socket_(directory_.path() / "notify"),
      command_(options.wrapper),
      environment_(options.environment) {
    const std::string settings_path = directory_.path() / "rollcall.toml";
    std::ofstream file(settings_path);
    file << fmt::format("state_dir = \"{}\"", directory_.path().string()) << test_settings;
    for (const auto& line : options.settings) file << line << '\n';
    file.close();
    for (const auto& word :
         {rollcalld_path(), std::string("serve"), std::string("--config"), settings_path})
        command_.push_back(word);
    for (const auto& argument : options.arguments) command_.push_back(argument);
    environment_.push_back(notify_socket_.variable());
    start();
}

void TestDaemon::launch() {
    notify_socket_.forget();  // Discards the READY=1 of an earlier daemon.
    process_ = std::make_unique<Process>(command_, environment_);
}

void TestDaemon::start() {
    launch();
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!notify_socket_.hears("READY=1", 50ms)) {
        if (const auto status = process_->wait(0ms))
            throw std::runtime_error(
                fmt::format("the daemon ended with {} at its start:\n{}", *status, log()));
        if (std::chrono::steady_clock::now() > deadline)
            throw std::runtime_error(fmt::format("the daemon does not start:\n{}", log()));
    }
}

std::optional<int> TestDaemon::stop() {
    process_->send(SIGTERM);
    return process_->wait(patience);
}

void TestDaemon::kill() {
    process_->send(SIGKILL);
    process_->wait(patience);
}

// Finds "listening: protocol=http address=127.0.0.1:41573" in the log. Waits for the line, because
// launch() does not wait until the daemon is ready.
uint16_t TestDaemon::port_of(std::string_view protocol) const {
    const std::string before_address = fmt::format("listening: protocol={} address=", protocol);
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
        const std::string text = log();
        const size_t begin = text.find(before_address);
        const size_t end = text.find('\n', begin);
        if (begin != std::string::npos && end != std::string::npos)
            return static_cast<uint16_t>(std::stoul(text.substr(text.rfind(':', end) + 1)));
        if (std::chrono::steady_clock::now() > deadline)
            throw std::runtime_error("no port for it in:\n" + text);
        std::this_thread::sleep_for(20ms);
    }
}

HttpResponse TestDaemon::post(std::string_view body) const {
    return HttpClient(http_port()).post(body);
}

HttpResponse TestDaemon::admin(std::string_view path) const {
    return HttpClient(admin_port()).get(path);
}

double TestDaemon::metric(std::string_view name) const {
    const std::string page = "\n" + admin("/metrics").body;
    const std::string line_start = fmt::format("\n{} ", name);
    const size_t at = page.find(line_start);
    return at == std::string::npos ? -1 : std::stod(page.substr(at + line_start.size()));
}

std::string TestDaemon::query(std::string_view sql) const {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    Finished finished{};
    for (;;) {
        finished = run({"sqlite3", "-cmd", ".timeout 5000", directory_.path() / "rollcall.db",
                        std::string(sql)});
        if (finished.status == 0) break;
        // Retry while the tables are missing: the daemon can be ready before it has created them.
        if (finished.errors.find("no such table") == std::string::npos ||
            std::chrono::steady_clock::now() > deadline)
            throw std::runtime_error("sqlite3: " + finished.errors);
        std::this_thread::sleep_for(20ms);
    }
    std::string answer = finished.output;
    if (answer.ends_with('\n')) answer.pop_back();
    return answer;
}

bool TestDaemon::says(std::string_view text) const {
    return before_long([&] { return log().find(text) != std::string::npos; });
}

std::string TestDaemon::query_until(std::string_view answer, std::string_view sql) const {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
        std::string now = query(sql);
        if (now == answer || std::chrono::steady_clock::now() > deadline) return now;
        std::this_thread::sleep_for(20ms);
    }
}

}  // namespace rollcall
