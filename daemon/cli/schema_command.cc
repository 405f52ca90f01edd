#include "daemon/cli/schema_command.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "sinks/sql/database.h"
#include "sinks/sql/live_schema.h"
#include "sinks/sql/secret.h"
#include "sinks/sqlite/sink.h"

namespace rollcall {

namespace {

// The pipeline's login to the brokers, if it needs one.
struct PipelineLogin {
    std::string user;
    std::string password_file;
    std::string_view setting;  // That names the file.
};

PipelineLogin pipeline_login(const Settings& settings) {
    const auto& singlestore = settings.singlestore;
    if (!singlestore.pipeline_user.empty())
        return {singlestore.pipeline_user, singlestore.pipeline_password_file,
                "singlestore.pipeline_password_file"};
    return {settings.kafka.user, settings.kafka.password_file, "kafka.password_file"};
}

std::string security_protocol(bool tls, bool sasl) {
    return fmt::format("{}{}", sasl ? "SASL_" : "", tls ? "SSL" : "PLAINTEXT");
}

PipelineSource pipeline_source(const Settings& settings, std::string_view password) {
    const auto& kafka = settings.kafka;
    const auto& brokers = settings.singlestore.pipeline_brokers;
    PipelineSource source;
    source.brokers = brokers.empty() ? kafka.brokers : brokers;
    source.topic = topic_name(kafka.topic);
    source.rows_per_message = kafka.rows_per_message;
    source.message_size_max = kafka.message_size_max;
    source.batch_interval = settings.singlestore.batch_interval;
    const bool sasl = kafka.sasl_mechanism != "none";
    source.config["security.protocol"] = security_protocol(kafka.tls, sasl);
    // Files that lie at the same path on each node.
    const std::pair<const char*, const std::string&> files[] = {
        {"ssl.ca.location", kafka.tls_ca},
        {"ssl.certificate.location", kafka.tls_certificate},
        {"ssl.key.location", kafka.tls_key}};
    for (const auto& [name, path] : files)
        if (kafka.tls && !path.empty()) source.config[name] = path;
    if (sasl) {
        source.config["sasl.mechanism"] = kafka.sasl_mechanism;
        source.config["sasl.username"] = pipeline_login(settings).user;
        source.credentials["sasl.password"] = password;
    }
    return source;
}

// A database that answers, and what must be in it.
struct Target {
    SqlDialect dialect;
    Query query;
    PipelineSource source;
    DatabaseUsers users;
    bool makes_users;
    Database::Options daemon;  // How the daemon itself would log in.

    [[nodiscard]] Found<std::vector<Difference>> tables() const {
        auto differences = compare_tables(dialect, query);
        if (differences && dialect == SqlDialect::singlestore)
            std::ranges::move(compare_layout(query), std::back_inserter(*differences));
        return differences;
    }
    [[nodiscard]] Found<std::vector<Difference>> pipeline() const {
        if (dialect != SqlDialect::singlestore) return {};
        return compare_pipeline(source, query);
    }
};

Query query_of(std::shared_ptr<Database> database, const Database::Options& options) {
    return [database = std::move(database),
            options](const std::string& sql) -> std::expected<Rows, std::string> {
        auto rows = database->query(sql);
        if (!rows) return std::unexpected(sentence(options, rows.error()));
        return *std::move(rows);
    };
}

// What diff() says is printed, so it knows no secrets; apply() prints no statement that has one.
enum class Purpose : uint8_t { diff, apply };

// apply: the database itself is made, if there is none of that name.
Found<Target> reach_server(const Settings& settings, SqlDialect dialect, const Administrator& who,
                           Purpose purpose) {
    auto options = database_options(settings);
    if (!options) return std::unexpected(options.error());
    const PipelineLogin login = pipeline_login(settings);
    const std::expected<std::string, std::string> pipeline_password =
        purpose == Purpose::diff ? std::string(hidden_secret) : read_secret(login.password_file);
    if (!pipeline_password)
        return std::unexpected(fmt::format("{}: {}", login.setting, pipeline_password.error()));
    const Database::Options daemon = *options;
    const DatabaseUsers users{options->database, options->user, options->password};
    if (!who.user.empty()) {
        if (purpose == Purpose::apply && users.password.empty())
            return std::unexpected(
                fmt::format("singlestore.password_file: the user {} is not made without a "
                            "password; name a file that holds one",
                            users.daemon));
        auto password = read_secret(who.password_file);
        if (!password) return std::unexpected(password.error());
        options->user = who.user;
        options->password = *std::move(password);
    }
    if (purpose == Purpose::apply) options->database.clear();
    auto database = Database::connect(*options);
    if (!database) return std::unexpected(sentence(*options, database.error()));
    if (database->dialect() != dialect)
        return std::unexpected(fmt::format("{}:{} is {}: say --dialect {}", options->host,
                                           options->port, database->version(),
                                           to_text(database->dialect())));
    Target target{dialect,
                  query_of(std::make_shared<Database>(*std::move(database)), *options),
                  pipeline_source(settings, *pipeline_password),
                  users,
                  !who.user.empty(),
                  daemon};
    if (purpose == Purpose::diff) return target;
    for (const std::string& statement :
         {"CREATE DATABASE IF NOT EXISTS " + name_quoted(users.database),
          "USE " + name_quoted(users.database)})
        if (const auto done = target.query(statement); !done) return std::unexpected(done.error());
    return target;
}

Found<Target> reach(const Settings& settings, SqlDialect dialect, const std::string& state_dir,
                    const Administrator& who, Purpose purpose) {
    if (dialect != SqlDialect::sqlite) return reach_server(settings, dialect, who, purpose);
    auto query = sqlite_query(sqlite_path(settings, state_dir), purpose == Purpose::apply);
    if (!query) return std::unexpected(query.error());
    return Target{dialect, *std::move(query), {}, {}, false, {}};
}

std::string in_lines(const std::vector<Difference>& differences) {
    std::string text;
    for (const auto& [what, statements] : differences)
        text +=
            fmt::format("-- {}{}\n{}", what, statements.empty() ? ": to be changed by hand" : "",
                        as_text(statements));
    return text;
}

// One that is there keeps its password, which may be another.
Found<std::vector<Difference>> make_users(const Target& target) {
    for (const auto& statement : create_users(target.dialect, target.users))
        if (const auto done = target.query(statement); !done) return std::unexpected(done.error());
    const auto logged_in = Database::connect(target.daemon);
    if (logged_in) return {};
    return std::vector<Difference>{
        {fmt::format("the user {} cannot log in, if it was there with another password ALTER USER "
                     "gives it this one: {}",
                     target.users.daemon, sentence(target.daemon, logged_in.error())),
         {}}};
}

}  // namespace

std::string show_schema(const Settings& settings, SqlDialect dialect) {
    const auto& singlestore = settings.singlestore;
    return schema_sql(dialect, pipeline_source(settings, hidden_secret),
                      {singlestore.database, singlestore.user, std::string(hidden_secret)});
}

std::expected<SchemaReport, std::string> diff_schema(const Settings& settings, SqlDialect dialect,
                                                     const std::string& state_dir,
                                                     const Administrator& who) {
    const auto target = reach(settings, dialect, state_dir, who, Purpose::diff);
    if (!target) return std::unexpected(target.error());
    std::string text;
    for (const auto& differences : {target->tables(), target->pipeline()}) {
        if (!differences) return std::unexpected(differences.error());
        text += in_lines(*differences);
    }
    if (text.empty()) return SchemaReport{"Nothing differs.\n", true};
    return SchemaReport{std::move(text), false};
}

std::expected<SchemaReport, std::string> apply_schema(const Settings& settings, SqlDialect dialect,
                                                      const std::string& state_dir,
                                                      const Administrator& who) {
    const auto target = reach(settings, dialect, state_dir, who, Purpose::apply);
    if (!target) return std::unexpected(target.error());
    SchemaReport report{"", true};
    const auto apply = [&](const Found<std::vector<Difference>>& differences) -> Found<void> {
        if (!differences) return std::unexpected(differences.error());
        for (const auto& difference : *differences) {
            const auto left = mend({difference}, target->query);
            if (!left) return std::unexpected(left.error());
            report.text +=
                left->empty() ? fmt::format("mended: {}\n", difference.what) : in_lines(*left);
            report.same = report.same && left->empty();
        }
        return {};
    };
    auto done = apply(target->tables());
    if (done && target->makes_users) done = apply(make_users(*target));
    if (done) done = apply(target->pipeline());
    if (!done) {
        report.text += fmt::format("-- failed: {}\n", done.error());
        report.same = false;
    }
    if (report.text.empty()) report.text = "Nothing differs.\n";
    return report;
}

}  // namespace rollcall
