#include "sinks/sql/database.h"

#include <errmsg.h>
#include <fmt/core.h>
#include <mysql.h>
#include <mysqld_error.h>

#include <algorithm>
#include <cstring>

#include "sinks/sql/secret.h"

namespace rollcall {

namespace {

// --- LOAD DATA LOCAL: the library asks these for the bytes of the file ---

// The connection's user data points to the source while load() runs, and to nothing else ever: a
// server may ask for a file at any time, and gets none.
struct Loading {
    const Database::Source* source = nullptr;
};

int begin_file(void** handle, const char*, void* loading) {
    *handle = loading;
    return static_cast<Loading*>(loading)->source != nullptr ? 0 : 1;
}

int read_file(void* handle, char* to, unsigned room) {
    const auto bytes = (*static_cast<Loading*>(handle)->source)(to, room);
    return bytes ? static_cast<int>(*bytes) : -1;
}

void end_file(void*) {}

int failed_file(void*, char* message, unsigned room) {
    constexpr std::string_view words = "the rows could not be given to the server";
    const size_t length = std::min<size_t>(words.size(), room - 1);
    std::memcpy(message, words.data(), length);
    message[length] = '\0';
    return CR_UNKNOWN_ERROR;
}

Loading no_file;

void read_from(MYSQL* connection, Loading& loading) {
    mysql_set_local_infile_handler(connection, begin_file, read_file, end_file, failed_file,
                                   &loading);
}

unsigned whole_seconds(std::chrono::milliseconds time) {
    return static_cast<unsigned>(std::max<int64_t>(1, (time.count() + 999) / 1000));
}

void set(MYSQL* connection, mysql_option option, unsigned value) {
    mysql_options(connection, option, &value);
}
void set(MYSQL* connection, mysql_option option, bool value) {
    const my_bool flag = value ? 1 : 0;
    mysql_options(connection, option, &flag);
}

// Not here, for it is not the row's fault: what a table lacks (a column, a partition, a default for
// a column of somebody else's), rights, locks, room on the disk.
struct RefusedRow {
    unsigned number;
    DeadReason reason;
};
constexpr unsigned pipeline_source_failed = 1933;  // Of SingleStore.
constexpr unsigned check_violated_mysql = 3819;    // MariaDB has a number of its own.
constexpr RefusedRow refused_rows[] = {
    {WARN_DATA_TRUNCATED, DeadReason::invalid_value},
    {ER_DATA_TOO_LONG, DeadReason::invalid_value},
    {ER_WARN_DATA_OUT_OF_RANGE, DeadReason::invalid_value},
    {ER_DATA_OUT_OF_RANGE, DeadReason::invalid_value},
    {ER_TRUNCATED_WRONG_VALUE, DeadReason::invalid_value},
    {ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, DeadReason::invalid_value},
    {ER_ILLEGAL_VALUE_FOR_TYPE, DeadReason::invalid_value},
    {ER_INVALID_CHARACTER_STRING, DeadReason::invalid_value},
    {ER_BAD_NULL_ERROR, DeadReason::constraint},
    {ER_WARN_NULL_TO_NOTNULL, DeadReason::constraint},
    {ER_CONSTRAINT_FAILED, DeadReason::constraint},
    {check_violated_mysql, DeadReason::constraint},
    {ER_NO_REFERENCED_ROW_2, DeadReason::constraint},
    {ER_SIGNAL_EXCEPTION, DeadReason::constraint},  // A trigger.
    {ER_TOO_BIG_ROWSIZE, DeadReason::too_large},
    {ER_NET_PACKET_TOO_LARGE, DeadReason::too_large},
};

}  // namespace

std::optional<DeadReason> refusal_of(unsigned number) {
    for (const auto& refused : refused_rows)
        if (refused.number == number) return refused.reason;
    return {};
}

void Database::Close::operator()(st_mysql* connection) const { mysql_close(connection); }

std::unexpected<Database::Problem> Database::problem() const {
    const unsigned number = mysql_errno(connection_.get());
    return std::unexpected(Problem{number, in_one_line(mysql_error(connection_.get())),
                                   number == ER_NO_SUCH_TABLE || number == ER_UNKNOWN_TABLE});
}

Database::Outcome<Database> Database::connect(const Options& options) {
    Database database(mysql_init(nullptr));
    MYSQL* const connection = database.connection_.get();
    if (connection == nullptr) return std::unexpected(Problem{CR_OUT_OF_MEMORY, "no memory"});
    read_from(connection, no_file);
    set(connection, MYSQL_OPT_CONNECT_TIMEOUT, whole_seconds(options.connect_timeout));
    set(connection, MYSQL_OPT_READ_TIMEOUT, whole_seconds(options.timeout));
    set(connection, MYSQL_OPT_WRITE_TIMEOUT, whole_seconds(options.timeout));
    set(connection, MYSQL_OPT_LOCAL_INFILE, 1U);
    set(connection, MYSQL_OPT_RECONNECT, false);  // It would lose a transaction without a word.
    // Defaults differ between versions of the library, so both are said.
    set(connection, MYSQL_OPT_SSL_ENFORCE, options.tls);
    set(connection, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, options.tls);
    if (options.tls && !options.tls_ca.empty())
        mysql_options(connection, MYSQL_OPT_SSL_CA, options.tls_ca.c_str());
    mysql_options(connection, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    const bool socket = options.host.starts_with('/');
    // Without, the library takes "localhost" for a socket of its own choice.
    set(connection, MYSQL_OPT_PROTOCOL,
        static_cast<unsigned>(socket ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP));
    const auto or_none = [](const std::string& text) {
        return text.empty() ? nullptr : text.c_str();
    };
    if (mysql_real_connect(connection, socket ? nullptr : or_none(options.host),
                           options.user.c_str(), options.password.c_str(),
                           or_none(options.database), options.port,
                           socket ? options.host.c_str() : nullptr, CLIENT_FOUND_ROWS) == nullptr)
        return database.problem();
    if (const auto prepared = database.prepare_session(); !prepared)
        return std::unexpected(prepared.error());
    return database;
}

Database::Outcome<void> Database::prepare_session() {
    const auto version = query("SELECT @@memsql_version");
    if (version) {
        dialect_ = SqlDialect::singlestore;
        return {};
    }
    if (version.error().number != ER_UNKNOWN_SYSTEM_VARIABLE)
        return std::unexpected(version.error());
    for (const char* const statement : {
             "SET SESSION sql_mode = 'STRICT_ALL_TABLES'",
             // By default a file is in the database's character set.
             "SET SESSION character_set_database = 'utf8mb4'",
             "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
             "SET SESSION max_error_count = 65535",
         })
        if (const auto done = query(statement); !done) return std::unexpected(done.error());
    return {};
}

Database::Outcome<Rows> Database::query(const std::string& sql) {
    MYSQL* const connection = connection_.get();
    if (mysql_real_query(connection, sql.data(), sql.size()) != 0) return problem();
    Rows rows;
    MYSQL_RES* const result = mysql_store_result(connection);
    if (result == nullptr) {
        if (mysql_errno(connection) != 0) return problem();
        return rows;  // A statement without rows.
    }
    const unsigned fields = mysql_num_fields(result);
    while (MYSQL_ROW row = mysql_fetch_row(result)) {
        const unsigned long* const lengths = mysql_fetch_lengths(result);
        auto& values = rows.emplace_back();
        for (unsigned field = 0; field < fields; ++field)
            values.push_back(
                row[field] == nullptr
                    ? std::nullopt
                    : std::optional<std::string>(std::in_place, row[field], lengths[field]));
    }
    mysql_free_result(result);
    return rows;
}

Database::Outcome<uint64_t> Database::load(const std::string& sql, const Source& source) {
    bool failed = false;
    const Source watched = [&](char* to, size_t room) {
        const auto bytes = source(to, room);
        failed |= !bytes.has_value();
        return bytes;
    };
    Loading loading{&watched};
    read_from(connection_.get(), loading);
    const auto done = query(sql);
    read_from(connection_.get(), no_file);
    if (!done) return std::unexpected(done.error());
    // Whatever the library makes of it.
    if (failed) return std::unexpected(Problem{CR_UNKNOWN_ERROR, "the source failed"});
    return affected();
}

uint64_t Database::affected() const { return mysql_affected_rows(connection_.get()); }

unsigned Database::warnings() const { return mysql_warning_count(connection_.get()); }

std::string_view Database::version() const { return mysql_get_server_info(connection_.get()); }

std::expected<Database::Options, std::string> database_options(const Settings& settings) {
    const auto& singlestore = settings.singlestore;
    auto password = read_secret(singlestore.password_file);
    if (!password)
        return std::unexpected("singlestore.password_file: " + std::move(password.error()));
    return Database::Options{singlestore.host,       static_cast<uint16_t>(singlestore.port),
                             singlestore.user,       *std::move(password),
                             singlestore.database,   singlestore.tls,
                             singlestore.tls_ca,     singlestore.connect_timeout_max,
                             singlestore.timeout_max};
}

std::string in_one_line(std::string_view said) {
    constexpr size_t bytes_most = 300;
    std::string line(said.substr(0, bytes_most));
    std::ranges::replace_if(
        line, [](unsigned char byte) { return byte < ' ' || byte == 0x7f; }, ' ');
    return line;
}

std::string sentence(const Database::Options& options, const Database::Problem& problem) {
    const std::string server = options.host.starts_with('/')
                                   ? options.host
                                   : fmt::format("{}:{}", options.host, options.port);
    const auto advice = [&]() -> std::string_view {
        switch (problem.number) {
            case ER_ACCESS_DENIED_ERROR:
            case ER_ACCESS_DENIED_NO_PASSWORD_ERROR:
                return "; see singlestore.user and singlestore.password_file";
            case ER_BAD_DB_ERROR:
            case ER_NO_SUCH_TABLE: return "; rollcalld schema apply makes what is missing";
            case ER_DBACCESS_DENIED_ERROR:
            case ER_TABLEACCESS_DENIED_ERROR:
            case ER_COLUMNACCESS_DENIED_ERROR:
            case ER_SPECIFIC_ACCESS_DENIED_ERROR:
                return "; rollcalld schema show prints the rights that the user needs";
            case ER_NOT_ALLOWED_COMMAND:  // What servers say that are no MariaDB.
            case ER_LOAD_INFILE_CAPABILITY_DISABLED:
                return "; SET GLOBAL local_infile = ON lets the server take rows";
            case pipeline_source_failed:
                return "; the pipeline asks the brokers when it is made: create the topics first, "
                       "by hand or by a start of the daemon with kafka.create_topics; see "
                       "singlestore.pipeline_brokers and singlestore.pipeline_user";
            case CR_SSL_CONNECTION_ERROR: return "; see singlestore.tls and singlestore.tls_ca";
            case CR_CONN_HOST_ERROR:
            case CR_CONNECTION_ERROR:
            case CR_UNKNOWN_HOST: return "; see singlestore.host and singlestore.port";
            default: return "";
        }
    }();
    return fmt::format("{}: {}{}", server, problem.message, advice);
}

}  // namespace rollcall
