#include "sinks/schema_command.h"

#include <fmt/core.h>

#include <memory>
#include <utility>

#include "sinks/database.h"
#include "sinks/live_schema.h"
#include "sinks/secret.h"
#include "sinks/sqlite_sink.h"

namespace rollcall {

namespace {

constexpr const char* hidden = "***";

std::string security_protocol(bool tls, bool sasl) {
    return fmt::format("{}{}", sasl ? "SASL_" : "", tls ? "SSL" : "PLAINTEXT");
}

PipelineSource pipeline_source(const Settings& settings, const std::string& kafka_password) {
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
    if (kafka.tls && !kafka.tls_ca.empty()) source.config["ssl.ca.location"] = kafka.tls_ca;
    if (sasl) {
        source.config["sasl.mechanism"] = kafka.sasl_mechanism;
        source.config["sasl.username"] = kafka.user;
        source.credentials["sasl.password"] = kafka_password;
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

    [[nodiscard]] Found<std::vector<Difference>> compare() const {
        auto differences = compare_tables(dialect, query);
        if (!differences || dialect != SqlDialect::singlestore) return differences;
        auto of_pipeline = compare_pipeline(source, query);
        if (!of_pipeline) return of_pipeline;
        for (auto& difference : *of_pipeline) differences->push_back(std::move(difference));
        return differences;
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
    const std::expected<std::string, std::string> kafka_password =
        purpose == Purpose::diff ? std::string(hidden) : read_secret(settings.kafka.password_file);
    if (!kafka_password) return std::unexpected("kafka.password_file: " + kafka_password.error());
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
    Target target{dialect, query_of(std::make_shared<Database>(*std::move(database)), *options),
                  pipeline_source(settings, *kafka_password), users, !who.user.empty()};
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
    return Target{dialect, *std::move(query), {}, {}, false};
}

std::string in_lines(const std::vector<Difference>& differences) {
    std::string text;
    for (const auto& [what, statements] : differences) {
        text += fmt::format("-- {}{}\n", what, statements.empty() ? ": to be changed by hand" : "");
        for (const auto& statement : statements) text += statement + ";\n";
    }
    return text;
}

}  // namespace

std::string show_schema(const Settings& settings, SqlDialect dialect) {
    const auto& singlestore = settings.singlestore;
    return schema_sql(dialect, pipeline_source(settings, hidden),
                      {singlestore.database, singlestore.user, hidden});
}

std::expected<SchemaReport, std::string> diff_schema(const Settings& settings, SqlDialect dialect,
                                                     const std::string& state_dir,
                                                     const Administrator& who) {
    const auto target = reach(settings, dialect, state_dir, who, Purpose::diff);
    if (!target) return std::unexpected(target.error());
    const auto differences = target->compare();
    if (!differences) return std::unexpected(differences.error());
    if (differences->empty()) return SchemaReport{"Nothing differs.\n", true};
    return SchemaReport{in_lines(*differences), false};
}

std::expected<SchemaReport, std::string> apply_schema(const Settings& settings, SqlDialect dialect,
                                                      const std::string& state_dir,
                                                      const Administrator& who) {
    const auto target = reach(settings, dialect, state_dir, who, Purpose::apply);
    if (!target) return std::unexpected(target.error());
    const auto differences = target->compare();
    if (!differences) return std::unexpected(differences.error());
    const auto left = mend(*differences, target->query);
    if (!left) return std::unexpected(left.error());
    if (target->makes_users)
        for (const auto& statement : create_users(dialect, target->users))
            if (const auto done = target->query(statement); !done)
                return std::unexpected(done.error());
    std::string text;
    for (const auto& difference : *differences)
        if (!difference.mend.empty()) text += fmt::format("mended: {}\n", difference.what);
    text += in_lines(*left);
    if (text.empty()) text = "Nothing differs.\n";
    return SchemaReport{std::move(text), left->empty()};
}

}  // namespace rollcall
