#include "tests/support/mariadb_server.h"

#include <fmt/core.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>
#include <thread>

#include "tests/support/free_port.h"

namespace rollcall {

namespace {

using namespace std::chrono_literals;

constexpr auto start_time_most = 60s;

std::string content(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

MariadbServer& mariadb_server() {
    static MariadbServer server;
    return server;
}

MariadbServer::MariadbServer(std::vector<std::string> arguments)
    : port_(free_port()),
      arguments_(std::move(arguments)),
      environment_{"TMPDIR=" + (directory_.path() / "tmp").string()} {
    std::filesystem::create_directory(directory_.path() / "tmp");
    const std::string data = directory_.path() / "data";
    std::vector<std::string> install = {"mariadb-install-db", "--no-defaults", "--datadir=" + data,
                                        "--skip-test-db",
                                        "--auth-root-authentication-method=normal"};
    if (geteuid() == 0) install.emplace_back("--user=root");
    const auto installed = run(install, environment_);
    if (installed.status != 0)
        throw std::runtime_error("mariadb-install-db: " + installed.output + installed.errors);
    start();
}

void MariadbServer::start() {
    std::vector<std::string> command = {"/usr/sbin/mariadbd",
                                        "--no-defaults",
                                        "--user=root",
                                        "--datadir=" + (directory_.path() / "data").string(),
                                        "--socket=" + socket(),
                                        "--port=" + std::to_string(port_),
                                        "--bind-address=127.0.0.1",
                                        "--log-error=" + (directory_.path() / "log").string(),
                                        "--pid-file=" + (directory_.path() / "pid").string(),
                                        "--innodb-buffer-pool-size=64M",
                                        "--performance-schema=off"};
    // mariadbd refuses to run as root without this option.
    if (geteuid() == 0) command.emplace_back("--user=root");
    command.insert(command.end(), arguments_.begin(), arguments_.end());
    process_ = std::make_unique<Process>(command, environment_);
    auto over_socket = options();
    over_socket.host = socket();
    const auto deadline = std::chrono::steady_clock::now() + start_time_most;
    while (!Database::connect(over_socket)) {
        if (process_->wait(50ms) || std::chrono::steady_clock::now() > deadline)
            throw std::runtime_error("mariadbd does not start:\n" +
                                     content(directory_.path() / "log"));
    }
}

void MariadbServer::kill() {
    send(SIGCONT);
    send(SIGKILL);
    process_->wait(start_time_most);
}

void MariadbServer::stop() {
    send(SIGTERM);
    process_->wait(start_time_most);
}

void MariadbServer::hang() {
    send(SIGSTOP);
    // SIGSTOP stops the threads one by one, and a thread can still respond until it is stopped. So
    // wait until all threads are stopped. In the file `stat`, the state of a thread comes after its
    // name in parentheses: proc_pid_stat(5).
    const auto runs = [](const std::filesystem::directory_entry& thread) {
        const std::string state = content(thread.path() / "stat");
        return !state.empty() && state.find(") T ") == std::string::npos;
    };
    const std::filesystem::directory_iterator threads(
        fmt::format("/proc/{}/task", process_->pid()));
    for (const auto& thread : threads)
        while (runs(thread)) std::this_thread::sleep_for(1ms);
}

void MariadbServer::go_on() { send(SIGCONT); }

Database::Options MariadbServer::options(const std::string& database) const {
    return {"127.0.0.1", port_, "root", "", database, false, "", 5s, 30s};
}

Settings MariadbServer::settings() const {
    Settings settings;
    settings.singlestore.host = "127.0.0.1";
    settings.singlestore.port = port_;
    settings.singlestore.user = "root";
    return settings;
}

void MariadbServer::make_database(const std::string& database) const {
    ask("DROP DATABASE IF EXISTS " + database, "");
    ask("CREATE DATABASE " + database, "");
}

void MariadbServer::make_tables(const std::string& database) const {
    make_database(database);
    for (const auto& statement : create_tables(SqlDialect::mariadb)) ask(statement, database);
}

std::string MariadbServer::ask(const std::string& sql, const std::string& database) const {
    auto connection = Database::connect(options(database));
    if (!connection) throw std::runtime_error(describe(connection.error()));
    const auto rows = connection->query(sql);
    if (!rows) throw std::runtime_error(sql + ": " + describe(rows.error()));
    std::string text;
    for (const auto& row : *rows) {
        if (!text.empty()) text += '\n';
        for (size_t i = 0; i < row.size(); ++i)
            text.append(i == 0 ? "" : "|").append(row[i].value_or("NULL"));
    }
    return text;
}

}  // namespace rollcall
