#include "config/load.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>
#include <string>

#include "tests/support/random.h"
#include "tests/support/temporary_directory.h"

using namespace rollcall;

namespace {

using Loaded = std::expected<Settings, std::vector<Problem>>;

Loaded load_text(const std::string& text, const std::vector<std::string>& sets = {}) {
    const TemporaryDirectory directory;
    const std::string path = directory.path() / "rollcall.toml";
    std::ofstream(path, std::ios::binary) << text;
    return load(path, sets);
}

Loaded load_sets(const std::vector<std::string>& sets) { return load(std::nullopt, sets); }

// Returns every problem as it is shown to the operator, one per line; empty if there are none.
std::string problems_in(const Loaded& loaded) {
    std::string text;
    if (!loaded)
        for (const auto& problem : loaded.error()) text += to_text(problem, "f") + "\n";
    return text;
}

// Returns text with characters that must be escaped in TOML.
Text random_text(Random& random) {
    static constexpr std::string_view pieces[] = {
        "a", "Z", "0", "\"", "\\", "'", "\n", "\t",      "\x01", "\x7f",  "#",
        "=", "[", ",", " ",  "é",  "€", "😀", "\\u0041", "'''",  "\"\"\""};
    Text text;
    for (uint64_t left = random.below(8); left > 0; --left)
        text += pieces[random.below(std::size(pieces))];
    return text;
}

void randomize(Random& random, Text& value, const Anything&) { value = random_text(random); }
void randomize(Random& random, Flag& value, const Anything&) { value = random.below(2) == 1; }
void randomize(Random& random, List& value, const Anything&) {
    value.resize(random.below(4));
    for (Text& text : value) text = random_text(random);
}
template <size_t count>
void randomize(Random& random, Text& value, const OneOf<count>& bounds) {
    value = bounds.names[random.below(count)];
}
template <size_t count>
void randomize(Random& random, List& value, const OneOf<count>& bounds) {
    value = {Text(bounds.names[random.below(count)])};
}
void randomize(Random& random, Count& value, const Between<Count>& bounds) {
    value = bounds.low + random.below(bounds.high - bounds.low + 1);
}
void randomize(Random& random, Bytes& value, const Between<Bytes>& bounds) {
    randomize(random, value.count, between(bounds.low.count, bounds.high.count));
}
void randomize(Random& random, Millis& value, const Between<Millis>& bounds) {
    const auto range = static_cast<uint64_t>((bounds.high - bounds.low).count());
    value = bounds.low + Millis(static_cast<Millis::rep>(random.below(range + 1)));
}

template <size_t count>
void randomize(Random& random, Properties& value, const Without<count>&) {
    value.clear();
    for (uint64_t left = random.below(4); left > 0; --left)
        value["a." + std::to_string(random.below(10))] = random_text(random);
}

// Returns settings that load() accepts, with random values within their bounds.
Settings random_settings(Random& random) {
    Settings settings;
    for_each_setting(settings, [&](const SettingInfo&, auto& value, const auto& bounds) {
        randomize(random, value, bounds);
    });
    settings.http.listen = {"[::1]:8080", "127.9.9.9:65535", "localhost:0"};
    settings.mqtt.listen = {};
    settings.http.trusted_proxies = {"192.0.2.0/24", "2001:db8::1"};
    settings.http.tls_listen = {"127.0.0.1:8443"};
    settings.mqtt.tls_listen = {};
    settings.tls.certificate.emplace_back("a");
    settings.tls.key.resize(settings.tls.certificate.size(), "b");
    settings.admin.listen = {"0.0.0.0:9464"};
    settings.admin.tls_listen = {"127.0.0.1:9465"};
    settings.admin.anonymous_anywhere = true;
    for (Text& path : settings.http.paths) path.insert(0, "/");
    // A topic filter must not be empty, so each filter begins with "a". Remove any #, because #
    // must be a whole level of a filter.
    for (Text& filter : settings.mqtt.topics) {
        filter.insert(0, "a");
        std::erase(filter, '#');
    }
    settings.kafka.brokers.emplace_back("a:1");
    settings.auth.tokens_file.insert(0, "a");
    settings.kafka.user.insert(0, "a");
    settings.kafka.password_file.insert(0, "a");
    settings.kafka.tls_certificate.insert(0, "a");
    settings.kafka.tls_key.insert(0, "a");
    settings.delivery.batch_text_max =
        std::max(settings.delivery.batch_text_max, settings.ingest.slot_text_max);
    return settings;
}

// Returns the lines of a settings file as arguments of --set.
std::vector<std::string> as_sets(const std::string& toml) {
    std::vector<std::string> sets;
    std::istringstream lines(toml);
    std::string section;
    for (std::string line; std::getline(lines, line);) {
        const size_t equals = line.find(" = ");
        if (line.empty() || line.starts_with('#')) continue;
        if (line.starts_with('['))
            section = line.substr(1, line.find(']') - 1) + ".";
        else
            sets.push_back(section + line.substr(0, equals) + "=" + line.substr(equals + 3));
    }
    return sets;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(load)

BOOST_AUTO_TEST_CASE(without_a_file_and_set_the_defaults_apply) {
    BOOST_TEST((load_sets({}) == Settings{}));
    BOOST_TEST((load_text("") == Settings{}));
}

BOOST_AUTO_TEST_CASE(a_file_gives_values_of_every_type) {
    const auto loaded = load_text(R"(
        workers = 3
        sinks = ["discard", "sqlite"]
        spool.sync = false
        [http]
        body_size_max = "1MiB"
        idle_timeout_max = "2min"
        [sqlite]
        path = "/var/lib/a b.db"
    )");
    BOOST_REQUIRE_MESSAGE(loaded, problems_in(loaded));
    BOOST_TEST(loaded->general.workers == 3);
    BOOST_TEST(loaded->general.sinks == List({"discard", "sqlite"}));
    BOOST_TEST(!loaded->spool.sync);
    BOOST_TEST(loaded->http.body_size_max.count == 1024 * 1024);
    BOOST_TEST((loaded->http.idle_timeout_max == 2min));
    BOOST_TEST(loaded->sqlite.path == "/var/lib/a b.db");
}

BOOST_AUTO_TEST_CASE(a_single_text_is_a_list_of_one) {
    const auto loaded = load_text("kafka.brokers = \"a:1,b:2\"", {"http.paths=\"/a\""});
    BOOST_REQUIRE_MESSAGE(loaded, problems_in(loaded));
    BOOST_TEST((loaded->kafka.brokers == List{"a:1,b:2"}));
    BOOST_TEST((loaded->http.paths == List{"/a"}));
}

BOOST_AUTO_TEST_CASE(set_accepts_values_as_an_operator_types_them) {
    const auto loaded = load_sets({"workers=3", "spool.sync=false", "sqlite.path=/a b.db",
                                   "http.body_size_max=1MiB", "replies.next=2min",
                                   "http.listen=127.0.0.1:0,[::1]:8080", "admin.listen="});
    BOOST_REQUIRE_MESSAGE(loaded, problems_in(loaded));
    BOOST_TEST(loaded->general.workers == 3);
    BOOST_TEST(!loaded->spool.sync);
    BOOST_TEST(loaded->sqlite.path == "/a b.db");
    BOOST_TEST(loaded->http.body_size_max.count == 1024 * 1024);
    BOOST_TEST((loaded->replies.next == 2min));
    BOOST_TEST(loaded->http.listen == List({"127.0.0.1:0", "[::1]:8080"}));
    BOOST_TEST(loaded->admin.listen == List{});
}

BOOST_AUTO_TEST_CASE(set_accepts_toml_too) {
    const auto loaded =
        load_sets({R"(http.paths=["/a,b", '/c'])", R"(sqlite.path="tab\t=")",
                   R"(replies.next="5s")", R"(mqtt.listen=[])", R"(state_dir="123")"});
    BOOST_REQUIRE_MESSAGE(loaded, problems_in(loaded));
    BOOST_TEST(loaded->http.paths == List({"/a,b", "/c"}));
    BOOST_TEST(loaded->sqlite.path == "tab\t=");
    BOOST_TEST((loaded->replies.next == 5s));
    BOOST_TEST(loaded->mqtt.listen == List{});
    BOOST_TEST(loaded->general.state_dir == "123");
}

BOOST_AUTO_TEST_CASE(set_reads_text_literally_where_toml_would_read_another_type) {
    for (const std::string text :
         {"123", "true", "é", "", "\"", "'a", "a=b", "[x", "\"a\"\nworkers = 3"}) {
        const auto loaded = load_sets({"sqlite.path=" + text});
        BOOST_REQUIRE_MESSAGE(loaded, problems_in(loaded));
        BOOST_TEST(loaded->sqlite.path == text);
    }
}

BOOST_AUTO_TEST_CASE(set_overrides_the_file_and_the_last_set_overrides_earlier_ones) {
    const auto loaded = load_text("workers = 2\n", {"workers=3", "workers=4"});
    BOOST_REQUIRE_MESSAGE(loaded, problems_in(loaded));
    BOOST_TEST(loaded->general.workers == 4);
}

BOOST_AUTO_TEST_CASE(all_problems_are_reported_at_once_and_in_order) {
    const auto loaded = load_text(
        "workers = 999\n"
        "[spool]\n"
        "syncc = false\n"
        "segment_size = 32\n"
        "[http]\n"
        "listen = [\"nowhere\"]\n",
        {"replies.next=0", "gibberish"});
    BOOST_TEST(problems_in(loaded) ==
               "f:1: workers: must be between 0 and 256, not 999\n"
               "f:3: spool.syncc: unknown setting; did you mean spool.sync?\n"
               "f:4: spool.segment_size: must be a size with its unit, such as \"64KiB\"\n"
               "f:6: http.listen: \"nowhere\" is not an address such as 127.0.0.1:8080, "
               "[::1]:8080 or localhost:8080\n"
               "replies.next: must be between 1s and 1d, not \"0ms\"\n"
               "gibberish: --set takes name=value\n");
}

BOOST_AUTO_TEST_CASE(a_syntax_error_has_its_line_and_hides_no_problem_of_a_set) {
    const auto loaded = load_text("workers = 1\n[http\n", {"spool.sync=maybe"});
    BOOST_REQUIRE(!loaded);
    BOOST_REQUIRE(loaded.error().size() == 2);
    BOOST_TEST(loaded.error()[0].line == 2);
    BOOST_TEST(loaded.error()[0].key == "");
    BOOST_TEST(loaded.error()[1].key == "spool.sync");
}

BOOST_AUTO_TEST_CASE(a_section_without_a_name_is_a_syntax_error) {
    for (const std::string line : {"[", "[]", "[=", "[[[a]]]", "[#]"})
        BOOST_TEST(problems_in(load_text(line + "\n")).starts_with("f:1: "), line);
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_read_is_a_problem) {
    const TemporaryDirectory directory;
    const auto missing = rollcall::load(directory.path() / "none", {});
    BOOST_TEST(problems_in(missing) == "f: cannot be read: No such file or directory\n");
    const auto not_a_file = rollcall::load(directory.path(), {});
    BOOST_TEST(problems_in(not_a_file) == "f: cannot be read: Is a directory\n");
}

BOOST_AUTO_TEST_CASE(an_unknown_name_suggests_the_nearest_one) {
    const std::pair<const char*, const char*> cases[] = {
        {"spool.syncc", "; did you mean spool.sync?"},
        {"http.lisen", "; did you mean http.listen?"},
        {"sync", "; did you mean spool.sync?"},
        {"http.batch_rows_max", "; did you mean delivery.batch_rows_max?"},
        {"worker", "; did you mean workers?"},
        {"general.workers", "; did you mean workers?"},
        {"x", ""},
        {"entirely.different", ""},
    };
    for (const auto& [name, hint] : cases)
        BOOST_TEST(problems_in(load_sets({std::string(name) + "=1"})) ==
                   name + std::string(": unknown setting") + hint + "\n");
}

BOOST_AUTO_TEST_CASE(an_unknown_section_is_a_problem_once_and_even_when_empty) {
    BOOST_TEST(problems_in(load_text("[spol]\nsync = true\nsize_max = 1\n")) ==
               "f:1: spol: unknown section; did you mean spool?\n");
    BOOST_TEST(problems_in(load_text("\n[spol]\n")) ==
               "f:2: spol: unknown section; did you mean spool?\n");
    BOOST_TEST(problems_in(load_text("[general]\nworkers = 1\n")) ==
               "f:1: general: unknown section\n");
}

BOOST_AUTO_TEST_CASE(a_value_of_another_type_is_refused) {
    const std::pair<const char*, const char*> cases[] = {
        {"workers = \"4\"", "workers: must be a whole number"},
        {"workers = 4.0", "workers: must be a whole number"},
        {"workers = -1", "workers: must be a whole number"},
        {"state_dir = 4", "state_dir: must be a text in quotes"},
        {"sinks = 1", "sinks: must be a list of texts, such as [\"a\", \"b\"]"},
        {"sinks = [\"sqlite\", 1]", "sinks: must be a list of texts, such as [\"a\", \"b\"]"},
        {"spool.sync = 1", "spool.sync: must be true or false"},
        {"spool.sync = { on = true }", "spool.sync: must be true or false"},
        {"spool.size_max = 65536",
         "spool.size_max: must be a size with its unit, such as \"64KiB\""},
        {"spool.size_max = \"64\"",
         "spool.size_max: must be a size with its unit, such as \"64KiB\""},
        {"replies.next = 30", "replies.next: must be a duration with its unit, such as \"30s\""},
    };
    for (const auto& [line, message] : cases)
        BOOST_TEST(problems_in(load_text(line)) == std::string("f:1: ") + message + "\n");
}

BOOST_AUTO_TEST_CASE(a_set_of_another_type_is_refused) {
    for (const std::string set :
         {"workers=", "workers=four", "workers=-1", "workers=1 ", "workers=\"1\"",
          "spool.sync=", "spool.sync=yes", "spool.size_max=1073741824", "replies.next=30",
          "sinks=[1]", "sqlite.path=[\"a\"]", "http.paths={}"})
        BOOST_TEST(
            problems_in(load_sets({set})).starts_with(set.substr(0, set.find('=')) + ": must be "),
            set);
}

BOOST_AUTO_TEST_CASE(a_malformed_set_is_refused) {
    for (const std::string set : {"", "=", "=1", "workers"})
        BOOST_TEST(problems_in(load_sets({set})).ends_with("--set takes name=value\n"), set);
    BOOST_TEST(problems_in(load_sets({"sqlite.path=\xff"})) ==
               "sqlite.path: the value is not UTF-8\n");
}

BOOST_AUTO_TEST_CASE(a_value_out_of_its_bounds_is_refused) {
    BOOST_TEST(problems_in(load_sets({"delivery.batch_age_max=11min"})) ==
               "delivery.batch_age_max: must be between 1ms and 10min, not \"11min\"\n");
    BOOST_TEST(problems_in(load_sets({"log_level=loud"})) ==
               "log_level: must be one of error, warning, notice, info, debug, not \"loud\"\n");
    BOOST_TEST(problems_in(load_sets({"sinks=sqlite,tape"})) ==
               "sinks: must be one of sqlite, kafka, singlestore, discard, not "
               "[\"sqlite\", \"tape\"]\n");
}

BOOST_AUTO_TEST_CASE(text_that_is_not_an_address_is_refused) {
    for (const std::string address :
         {"8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
          "127.0.0.1:80a", "127.0.0:80", "::1:8080", "[::1]", "[::1:8080", "[127.0.0.1]:80",
          "[::1%lo]:80", "example.org:80", " 127.0.0.1:80"})
        for (const std::string name :
             {"http.listen", "mqtt.listen", "admin.listen", "http.tls_listen", "mqtt.tls_listen"})
            BOOST_TEST(problems_in(load_sets({name + "=" + address})).find("is not an address") !=
                           std::string::npos,
                       address);
}

BOOST_AUTO_TEST_CASE(anonymous_check_ins_stay_on_loopback_unless_allowed_elsewhere) {
    const std::string certificate = "tls.certificate=a";
    const std::string key = "tls.key=b";
    for (const std::string name :
         {"http.listen", "mqtt.listen", "http.tls_listen", "mqtt.tls_listen"}) {
        for (const std::string address : {"127.0.0.1:0", "127.255.0.1:1", "[::1]:1", "localhost:1"})
            BOOST_TEST(problems_in(load_sets({name + "=" + address, certificate, key})) == "");
        for (const std::string address : {"0.0.0.0:8080", "192.168.88.1:8080", "[::]:8080",
                                          "[fe80::1]:1", "[::ffff:7f00:1]:1"}) {
            const std::string set = name + "=" + address;
            BOOST_TEST(
                problems_in(load_sets({set})).find("auth.anonymous_anywhere") != std::string::npos,
                address);
            BOOST_TEST(problems_in(load_sets(
                           {set, certificate, key, "auth.anonymous_anywhere=true"})) == "");
        }
    }
    BOOST_TEST(problems_in(load_sets({"admin.listen=0.0.0.0:9464"})) != "");
    BOOST_TEST(problems_in(load_sets({"admin.listen=0.0.0.0:9464", "admin.token_file=/token"})) ==
               "");
    BOOST_TEST(problems_in(load_sets(
                   {"admin.listen=0.0.0.0:9464", "admin.anonymous_anywhere=true"})) == "");
}

BOOST_AUTO_TEST_CASE(tls_needs_certificates_and_a_key_for_each) {
    BOOST_TEST(problems_in(load_sets({"tls.certificate=a", "tls.key=b"})) == "");
    BOOST_TEST(problems_in(load_text("tls.certificate = \"a\"\ntls.key = [\"b\"]\n")) == "");
    BOOST_TEST(problems_in(load_sets({"tls.certificate=a,b", "tls.key=c"})) ==
               "tls.key: must name one key file for each file in tls.certificate\n");
    for (const std::string name : {"http.tls_listen", "mqtt.tls_listen"})
        BOOST_TEST(problems_in(load_sets({name + "=127.0.0.1:0"})) ==
                   name + ": needs tls.certificate and tls.key\n");
}

BOOST_AUTO_TEST_CASE(clients_with_tokens_may_connect_from_anywhere_if_a_credential_file_is_set) {
    const std::vector<std::string> sets = {"auth.mode=tokens", "http.listen=0.0.0.0:8080",
                                           "mqtt.listen=[::]:1883"};
    BOOST_TEST(
        problems_in(load_sets(sets)) ==
        "auth.mode: \"tokens\" needs auth.tokens_file, auth.signing_keys_file or tls.client_ca\n");
    for (const std::string file :
         {"auth.tokens_file=/t", "auth.signing_keys_file=/k", "tls.client_ca=/c"}) {
        auto with_file = sets;
        with_file.push_back(file);
        BOOST_TEST(problems_in(load_sets(with_file)) == "");
    }
}

BOOST_AUTO_TEST_CASE(at_least_one_sink_is_listed_and_none_twice) {
    BOOST_TEST(problems_in(load_sets({"sinks="})) == "sinks: must name at least one sink\n");
    BOOST_TEST(problems_in(load_text("sinks = [\"sqlite\", \"discard\", \"sqlite\"]")) ==
               "f:1: sinks: names sqlite twice\n");
}

BOOST_AUTO_TEST_CASE(a_path_begins_with_a_slash) {
    BOOST_TEST(problems_in(load_sets({"http.paths=/a,/b/c"})) == "");
    BOOST_TEST(problems_in(load_sets({"http.paths=/a,b"})) ==
               "http.paths: must begin with /, not \"b\"\n");
}

BOOST_AUTO_TEST_CASE(a_wildcard_of_a_topic_filter_is_a_whole_level) {
    for (const std::string filter : {"a", "a/+", "+/a/+", "#", "a/#", "/", "a//b"})
        BOOST_TEST(problems_in(load_sets({"mqtt.topics=" + filter})) == "");
    for (const std::string filter : {"a+", "a/#/b", "#/a", "+a/b", "a#"})
        BOOST_TEST(problems_in(load_sets({"mqtt.topics=" + filter})) ==
                   "mqtt.topics: not a topic filter: \"" + filter + "\"\n");
}

BOOST_AUTO_TEST_CASE(a_batch_has_room_for_a_slot) {
    BOOST_TEST(
        problems_in(load_sets({"ingest.slot_text_max=8MiB", "delivery.batch_text_max=4MiB"})) ==
        "delivery.batch_text_max: must not be smaller than ingest.slot_text_max, which is 8MiB\n");
    BOOST_TEST(problems_in(
                   load_sets({"ingest.slot_text_max=8MiB", "delivery.batch_text_max=8MiB"})) == "");
}

BOOST_AUTO_TEST_CASE(the_shipped_file_equals_the_printed_defaults) {
    std::ifstream file(ROLLCALL_SOURCE_DIR "/config/rollcall.toml");
    const std::string shipped(std::istreambuf_iterator<char>(file), {});
    BOOST_TEST(shipped == to_toml(Settings{}));
}

BOOST_AUTO_TEST_CASE(a_printed_setting_has_its_description_and_its_bounds) {
    const std::string printed = to_toml(Settings{});
    BOOST_TEST(
        printed.find("\n[spool]  # The spool, a write-ahead log that makes check-ins durable.\n") !=
        std::string::npos);
    BOOST_TEST(printed.find("\n# Size at which a segment file is closed and the next one begins.\n"
                            "# (between 4MiB and 1GiB; restart)\n"
                            "segment_size = \"32MiB\"\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(only_changed_settings_are_not_commented_out) {
    Settings settings;
    settings.general.state_dir = "/var/lib/rollcall";
    settings.spool.sync = false;
    const std::string printed = to_toml(settings, Defaults::commented_out);
    BOOST_TEST(printed.find("\nstate_dir = \"/var/lib/rollcall\"\n") != std::string::npos);
    BOOST_TEST(printed.find("\nsync = false\n") != std::string::npos);
    BOOST_TEST(printed.find("\n#workers = 0\n") != std::string::npos);
    const auto read = load_text(printed);
    BOOST_REQUIRE_MESSAGE((read == settings), problems_in(read));
    // Without the #, each line is valid.
    const auto all = load_text(std::regex_replace(printed, std::regex("\n#([a-z])"), "\n$1"));
    BOOST_REQUIRE_MESSAGE((all == settings), problems_in(all));
}

BOOST_AUTO_TEST_CASE(any_settings_are_read_back_as_they_were_printed) {
    Random random("load");
    for (int i = 0; i < 200; ++i) {
        const Settings settings = random_settings(random);
        const std::string printed = to_toml(settings);
        const auto from_file = load_text(printed);
        BOOST_REQUIRE_MESSAGE((from_file == settings), problems_in(from_file) << printed);
        const auto from_sets = load_sets(as_sets(printed));
        BOOST_REQUIRE_MESSAGE((from_sets == settings), problems_in(from_sets) << printed);
    }
}

BOOST_AUTO_TEST_CASE(a_damaged_file_is_read_or_its_problems_are_reported) {
    Random random("load");
    const std::string good = to_toml(Settings{});
    for (int i = 0; i < 300; ++i) {
        std::string damaged = good;
        for (uint64_t left = 1 + random.below(4); left > 0; --left) {
            const size_t at = random.below(damaged.size());
            if (random.below(2) == 0)
                // Use only ASCII: other characters outside of quotes reach a
                // __builtin_unreachable() of toml++ 3.3.
                damaged[at] = static_cast<char>(random.below(128));
            else
                damaged.erase(at, random.below(20));
        }
        const auto loaded = load_text(damaged);
        if (loaded)
            BOOST_REQUIRE((load_text(to_toml(*loaded)) == *loaded));
        else
            BOOST_REQUIRE(!loaded.error().empty());
    }
}

BOOST_AUTO_TEST_CASE(library_properties_are_accepted_in_every_form_of_toml) {
    const Properties expected{{"linger.ms", "20"}, {"socket.keepalive.enable", "true"}, {"x", "a"}};
    for (const char* text :
         {"[kafka.properties]\n\"linger.ms\" = 20\nsocket.keepalive.enable = true\nx = \"a\"",
          "[kafka]\nproperties = {\"linger.ms\" = \"20\", socket = {keepalive.enable = true}, x = "
          "'a'}"})
        BOOST_TEST((load_text(text).value().kafka.properties == expected), text);
    for (const char* set :
         {"kafka.properties=linger.ms=20,socket.keepalive.enable=true,x=a",
          "kafka.properties={linger.ms=20, socket.keepalive.enable=true, x=\"a\"}"})
        BOOST_TEST((load_sets({set}).value().kafka.properties == expected), set);
    for (const char* text :
         {"[kafka.properties]\na = 1.5", "[kafka.properties]\na = [1]", "[kafka]\nproperties = 1"})
        BOOST_TEST(problems_in(load_text(text)).find("must be a table of texts and numbers") !=
                       std::string::npos,
                   text);
    BOOST_TEST(!load_sets({"kafka.properties=a"}).has_value());
    BOOST_TEST(!load_sets({"kafka.properties=a=1,a=2"}).has_value());
}

BOOST_AUTO_TEST_CASE(properties_that_would_break_a_promise_are_refused) {
    for (const char* name : {"enable.idempotence", "transactional.id", "acks", "isolation.level",
                             "allow.auto.create.topics"}) {
        const std::string text = std::string("[kafka.properties]\n\"") + name + "\" = \"x\"";
        BOOST_TEST(problems_in(load_text(text))
                       .starts_with("f:1: kafka.properties: must be a table without "));
    }
}

BOOST_AUTO_TEST_CASE(secrets_among_properties_are_not_printed) {
    Settings settings;
    settings.kafka.properties = {{"ssl.key.password", "hush"}, {"linger.ms", "5"}};
    const std::string toml = to_toml(settings);
    BOOST_TEST(toml.find("hush") == std::string::npos);
    BOOST_TEST(toml.find("\"linger.ms\" = \"5\"") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(kafka_login_takes_a_name_and_a_password_file) {
    BOOST_TEST(problems_in(load_sets({"kafka.sasl_mechanism=PLAIN", "kafka.user=u"})) ==
               "kafka.sasl_mechanism: needs kafka.user and kafka.password_file\n");
    BOOST_TEST(problems_in(load_sets({"kafka.tls_certificate=c"})) ==
               "kafka.tls_certificate: must be set together with kafka.tls_key\n");
    BOOST_TEST(problems_in(load_sets({"kafka.brokers="})) ==
               "kafka.brokers: must name at least one broker\n");
}

BOOST_AUTO_TEST_SUITE_END()
