#include "sinks/sql/database.h"

#include <errmsg.h>
#include <fmt/core.h>
#include <mysql.h>
#include <mysqld_error.h>

#include <algorithm>
#include <cstring>

#include "pipeline/base/secret.h"

namespace rollcall {

namespace {

// --- LOAD DATA LOCAL: the library calls these functions for the bytes of the file ---

// The user data of a connection. It contains a source only while load() runs. A server can request
// a file at any time, and must not get one outside load().
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

constexpr unsigned pipeline_source_failed = 1933;  // An error number of SingleStore.
constexpr unsigned check_violated_mysql = 3819;  // An error number of MySQL; MariaDB uses another.

// An error number, and the code that it means. The list below does not contain causes that may be
// temporary, because a temporary cause must not refuse a row. Examples are a missing column,
// partition or default value, missing rights, locks and a full disk.
struct NumberedCode {
    unsigned number;
    Code code;
};
constexpr NumberedCode numbered_codes[] = {
    {WARN_DATA_TRUNCATED, Code::row_value_invalid},
    {ER_DATA_TOO_LONG, Code::row_value_invalid},
    {ER_WARN_DATA_OUT_OF_RANGE, Code::row_value_invalid},
    {ER_DATA_OUT_OF_RANGE, Code::row_value_invalid},
    {ER_TRUNCATED_WRONG_VALUE, Code::row_value_invalid},
    {ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, Code::row_value_invalid},
    {ER_ILLEGAL_VALUE_FOR_TYPE, Code::row_value_invalid},
    {ER_INVALID_CHARACTER_STRING, Code::row_value_invalid},
    {ER_BAD_NULL_ERROR, Code::row_constraint},
    {ER_WARN_NULL_TO_NOTNULL, Code::row_constraint},
    {ER_CONSTRAINT_FAILED, Code::row_constraint},
    {check_violated_mysql, Code::row_constraint},
    {ER_NO_REFERENCED_ROW_2, Code::row_constraint},
    {ER_SIGNAL_EXCEPTION, Code::row_constraint},  // Raised by a trigger.
    {ER_TOO_BIG_ROWSIZE, Code::row_too_large},
    {ER_NET_PACKET_TOO_LARGE, Code::row_too_large},
    {ER_NO_SUCH_TABLE, Code::table_missing},
    {ER_UNKNOWN_TABLE, Code::table_missing},
    {ER_ACCESS_DENIED_ERROR, Code::sink_down},
    {ER_ACCESS_DENIED_NO_PASSWORD_ERROR, Code::sink_down},
};

// Returns advice for the operator about an error number; empty if there is none.
std::string_view advice_for(unsigned number) {
    switch (number) {
        case ER_ACCESS_DENIED_ERROR:
        case ER_ACCESS_DENIED_NO_PASSWORD_ERROR:
            return "; see singlestore.user and singlestore.password_file";
        case ER_BAD_DB_ERROR: return "; `rollcalld schema apply` creates what is missing";
        case ER_DBACCESS_DENIED_ERROR:
        case ER_TABLEACCESS_DENIED_ERROR:
        case ER_COLUMNACCESS_DENIED_ERROR:
        case ER_SPECIFIC_ACCESS_DENIED_ERROR:
            return "; rollcalld schema show prints the rights that the user needs";
        case ER_NOT_ALLOWED_COMMAND:  // Sent by servers other than MariaDB.
        case ER_LOAD_INFILE_CAPABILITY_DISABLED:
            return "; SET GLOBAL local_infile = ON lets the server take rows";
        case pipeline_source_failed:
            return "; SingleStore connects to the brokers when it creates a pipeline: create the "
                   "topics first, or start the daemon once with kafka.create_topics; check "
                   "singlestore.pipeline_brokers and singlestore.pipeline_user";
        case CR_SSL_CONNECTION_ERROR: return "; see singlestore.tls and singlestore.tls_ca";
        case CR_CONN_HOST_ERROR:
        case CR_CONNECTION_ERROR:
        case CR_UNKNOWN_HOST: return "; see singlestore.host and singlestore.port";
        default: return "";
    }
}

std::string server_of(const Database::Options& options) {
    return options.host.starts_with('/') ? options.host
                                         : fmt::format("{}:{}", options.host, options.port);
}

}  // namespace

Code code_of(unsigned number) {
    for (const auto& numbered : numbered_codes)
        if (numbered.number == number) return numbered.code;
    // The errors of the client library (CR_*) concern the connection.
    return number >= CR_MIN_ERROR && number <= CR_MAX_ERROR ? Code::sink_down
                                                            : Code::statement_failed;
}

void Database::Close::operator()(st_mysql* connection) const { mysql_close(connection); }

std::unexpected<Error> Database::failure() const {
    const unsigned number = mysql_errno(connection_.get());
    return fail(code_of(number),
                fmt::format("{}: {}{}", server_, in_one_line(mysql_error(connection_.get())),
                            advice_for(number)));
}

void Database::set_options(const Options& options) {
    MYSQL* const connection = connection_.get();
    read_from(connection, no_file);
    set(connection, MYSQL_OPT_CONNECT_TIMEOUT, whole_seconds(options.connect_timeout));
    set(connection, MYSQL_OPT_READ_TIMEOUT, whole_seconds(options.timeout));
    set(connection, MYSQL_OPT_WRITE_TIMEOUT, whole_seconds(options.timeout));
    set(connection, MYSQL_OPT_LOCAL_INFILE, 1U);
    // A reconnection by the library would silently lose a transaction.
    set(connection, MYSQL_OPT_RECONNECT, false);
    // Set both options, because their defaults differ between versions of the library.
    set(connection, MYSQL_OPT_SSL_ENFORCE, options.tls);
    set(connection, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, options.tls);
    if (options.tls && !options.tls_ca.empty())
        mysql_options(connection, MYSQL_OPT_SSL_CA, options.tls_ca.c_str());
    mysql_options(connection, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    // Without this option, the library would connect to its default socket for "localhost".
    set(connection, MYSQL_OPT_PROTOCOL,
        static_cast<unsigned>(options.host.starts_with('/') ? MYSQL_PROTOCOL_SOCKET
                                                            : MYSQL_PROTOCOL_TCP));
}

Result<Database> Database::connect(const Options& options) {
    Database database(mysql_init(nullptr), server_of(options));
    MYSQL* const connection = database.connection_.get();
    if (connection == nullptr) return fail(Code::sink_down, "no memory for a connection");
    database.set_options(options);
    const bool socket = options.host.starts_with('/');
    const auto or_null = [](const std::string& text) {
        return text.empty() ? nullptr : text.c_str();
    };
    if (mysql_real_connect(connection, socket ? nullptr : or_null(options.host),
                           options.user.c_str(), options.password.c_str(),
                           or_null(options.database), options.port,
                           socket ? options.host.c_str() : nullptr, CLIENT_FOUND_ROWS) == nullptr)
        return database.failure();
    if (const auto prepared = database.prepare_session(); !prepared)
        return std::unexpected(prepared.error());
    return database;
}

Result<void> Database::prepare_session() {
    const auto version = query("SELECT @@memsql_version");
    if (version) {
        dialect_ = SqlDialect::singlestore;
        return {};
    }
    if (mysql_errno(connection_.get()) != ER_UNKNOWN_SYSTEM_VARIABLE)
        return std::unexpected(version.error());
    for (const char* const statement : {
             "SET SESSION sql_mode = 'STRICT_ALL_TABLES'",
             // By default, LOAD DATA reads a file in the character set of the database.
             "SET SESSION character_set_database = 'utf8mb4'",
             "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
             "SET SESSION max_error_count = 65535",
         })
        if (const auto done = query(statement); !done) return std::unexpected(done.error());
    return {};
}

Result<Rows> Database::query(const std::string& sql) {
    MYSQL* const connection = connection_.get();
    if (mysql_real_query(connection, sql.data(), sql.size()) != 0) return failure();
    Rows rows;
    MYSQL_RES* const result = mysql_store_result(connection);
    if (result == nullptr) {
        if (mysql_errno(connection) != 0) return failure();
        return rows;  // The statement does not return rows.
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

Result<uint64_t> Database::load(const std::string& sql, const Source& source) {
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
    // The library may report success even if the load has failed.
    if (failed) return fail(Code::statement_failed, server_ + ": the rows could not be written");
    return affected();
}

uint64_t Database::affected() const { return mysql_affected_rows(connection_.get()); }

unsigned Database::warnings() const { return mysql_warning_count(connection_.get()); }

std::string_view Database::version() const { return mysql_get_server_info(connection_.get()); }

Result<Database::Options> database_options(const Settings& settings) {
    const auto& singlestore = settings.singlestore;
    auto password = read_secret(singlestore.password_file);
    if (!password)
        return std::unexpected(in_context("singlestore.password_file", password.error()));
    return Database::Options{.host = singlestore.host,
                             .port = static_cast<uint16_t>(singlestore.port),
                             .user = singlestore.user,
                             .password = *std::move(password),
                             .database = singlestore.database,
                             .tls = singlestore.tls,
                             .tls_ca = singlestore.tls_ca,
                             .connect_timeout = singlestore.connect_timeout_max,
                             .timeout = singlestore.timeout_max};
}

std::string in_one_line(std::string_view answer) {
    constexpr size_t bytes_max = 300;
    std::string line(answer.substr(0, bytes_max));
    std::ranges::replace_if(
        line, [](unsigned char byte) { return byte < ' ' || byte == 0x7f; }, ' ');
    return line;
}

}  // namespace rollcall
