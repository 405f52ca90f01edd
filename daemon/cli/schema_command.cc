#include "daemon/cli/schema_command.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "pipeline/base/secret.h"
#include "sinks/sql/database.h"
#include "sinks/sql/live_schema.h"
#include "sinks/sqlite/sink.h"

namespace rollcall {

namespace {

// The login with which SingleStore's pipeline connects to Kafka's brokers; empty if they require
// none.
struct PipelineLogin {
    std::string user;
    std::string password_file;
    std::string_view setting;  // The name of the setting for password_file.
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
    // SingleStore itself opens the files that these properties name. So each of its nodes must have
    // them at the same path as the daemon.
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

// A connection to a database, and the schema that the database must have.
struct Target {
    SqlDialect dialect;
    Query query;
    PipelineSource source = {};
    DatabaseUsers users = {};
    bool makes_users = false;
    Database::Options daemon = {};  // The login of the daemon itself.

    [[nodiscard]] Result<Differences> compare_all_tables() const {
        auto differences = compare_tables(dialect, query);
        if (differences && dialect == SqlDialect::singlestore)
            std::ranges::move(compare_layout(query), std::back_inserter(*differences));
        return differences;
    }
    [[nodiscard]] Result<Differences> compare_its_pipeline() const {
        if (dialect != SqlDialect::singlestore) return {};
        return compare_pipeline(source, query);
    }
};

Query query_of(Database database) {
    return [shared = std::make_shared<Database>(std::move(database))](const std::string& sql) {
        return shared->query(sql);
    };
}

// diff prints the statement that creates the pipeline, so it hides the pipeline's password. apply
// executes this statement, so it reads the password.
enum class Purpose : uint8_t { diff, apply };

struct Logins {
    Database::Options daemon;  // The login of the daemon.
    Database::Options used;    // The login of the command.
    std::string pipeline_password;
};

Result<Logins> read_logins(const Settings& settings, const Administrator& administrator,
                           Purpose purpose) {
    const auto daemon = database_options(settings);
    if (!daemon) return std::unexpected(daemon.error());
    Logins logins{*daemon, *daemon, std::string(hidden_secret)};
    if (purpose == Purpose::apply) {
        const PipelineLogin login = pipeline_login(settings);
        auto password = read_secret(login.password_file);
        if (!password) return std::unexpected(in_context(login.setting, password.error()));
        logins.pipeline_password = *std::move(password);
        // The login names no database, because the first apply creates the database.
        logins.used.database.clear();
    }
    if (administrator.user.empty()) return logins;
    if (purpose == Purpose::apply && daemon->password.empty())
        return fail(
            Code::bad_setting,
            fmt::format("singlestore.password_file is not set; the user {} cannot be created "
                        "without a password",
                        daemon->user));
    auto password = read_secret(administrator.password_file);
    if (!password) return std::unexpected(password.error());
    logins.used.user = administrator.user;
    logins.used.password = *std::move(password);
    return logins;
}

// Connects to the server. For apply, also creates the database if it does not exist.
Result<Target> reach_server(const Settings& settings, SqlDialect dialect,
                            const Administrator& administrator, Purpose purpose) {
    const auto logins = read_logins(settings, administrator, purpose);
    if (!logins) return std::unexpected(logins.error());
    const Database::Options& daemon = logins->daemon;
    auto database = Database::connect(logins->used);
    if (!database) return std::unexpected(database.error());
    if (database->dialect() != dialect)
        return fail(
            Code::bad_argument,
            fmt::format("the server at {}:{} reports version {}; use --dialect {}", daemon.host,
                        daemon.port, database->version(), to_text(database->dialect())));
    Target target{.dialect = dialect,
                  .query = query_of(*std::move(database)),
                  .source = pipeline_source(settings, logins->pipeline_password),
                  .users = {daemon.database, daemon.user, daemon.password},
                  .makes_users = !administrator.user.empty(),
                  .daemon = daemon};
    if (purpose == Purpose::diff) return target;
    for (const std::string& statement :
         {"CREATE DATABASE IF NOT EXISTS " + name_quoted(daemon.database),
          "USE " + name_quoted(daemon.database)})
        if (const auto done = target.query(statement); !done) return std::unexpected(done.error());
    return target;
}

Result<Target> reach(const Settings& settings, SqlDialect dialect, const std::string& state_dir,
                     const Administrator& administrator, Purpose purpose) {
    if (dialect != SqlDialect::sqlite)
        return reach_server(settings, dialect, administrator, purpose);
    auto query = sqlite_query(sqlite_path(settings, state_dir), purpose == Purpose::apply);
    if (!query) return std::unexpected(query.error());
    return Target{.dialect = dialect, .query = *std::move(query)};
}

std::string in_lines(const Differences& differences) {
    std::string text;
    for (const auto& [what, statements] : differences)
        text +=
            fmt::format("-- {}{}\n{}", what, statements.empty() ? ": to be changed by hand" : "",
                        as_text(statements));
    return text;
}

// Creates the daemon's user. An existing user keeps its password. If the settings have another
// password, the daemon cannot log in, and the function returns this problem as a difference.
Result<Differences> make_users(const Target& target) {
    for (const auto& statement : create_users(target.dialect, target.users))
        if (const auto done = target.query(statement); !done) return std::unexpected(done.error());
    const auto logged_in = Database::connect(target.daemon);
    if (logged_in) return {};
    return Differences{
        {fmt::format(
             "the user {} cannot log in ({}); if the user already existed with another password, "
             "run ALTER USER to give it the password in singlestore.password_file",
             target.users.daemon, describe(logged_in.error())),
         {}}};
}

Result<void> apply(const Result<Differences>& differences, const Target& target,
                   SchemaReport& report) {
    if (!differences) return std::unexpected(differences.error());
    for (const auto& difference : *differences) {
        const auto left = apply_fixes({difference}, target.query);
        if (!left) return std::unexpected(left.error());
        report.text +=
            left->empty() ? fmt::format("fixed: {}\n", difference.what) : in_lines(*left);
        report.same = report.same && left->empty();
    }
    return {};
}

}  // namespace

std::string show_schema(const Settings& settings, SqlDialect dialect) {
    const auto& singlestore = settings.singlestore;
    return schema_sql(dialect, pipeline_source(settings, hidden_secret),
                      {singlestore.database, singlestore.user, std::string(hidden_secret)});
}

Result<SchemaReport> diff_schema(const Settings& settings, SqlDialect dialect,
                                 const std::string& state_dir, const Administrator& administrator) {
    const auto target = reach(settings, dialect, state_dir, administrator, Purpose::diff);
    if (!target) return std::unexpected(target.error());
    std::string text;
    for (const auto& differences : {target->compare_all_tables(), target->compare_its_pipeline()}) {
        if (!differences) return std::unexpected(differences.error());
        text += in_lines(*differences);
    }
    if (text.empty()) return SchemaReport{"Nothing differs.\n", true};
    return SchemaReport{std::move(text), false};
}

Result<SchemaReport> apply_schema(const Settings& settings, SqlDialect dialect,
                                  const std::string& state_dir,
                                  const Administrator& administrator) {
    const auto target = reach(settings, dialect, state_dir, administrator, Purpose::apply);
    if (!target) return std::unexpected(target.error());
    SchemaReport report{"", true};
    auto done = apply(target->compare_all_tables(), *target, report);
    if (done && target->makes_users) done = apply(make_users(*target), *target, report);
    if (done) done = apply(target->compare_its_pipeline(), *target, report);
    if (!done) {
        report.text += fmt::format("-- failed: {}\n", describe(done.error()));
        report.same = false;
    }
    if (report.text.empty()) report.text = "Nothing differs.\n";
    return report;
}

}  // namespace rollcall
