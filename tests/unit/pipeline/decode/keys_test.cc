#include "pipeline/decode/keys.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <sstream>
#include <string>

#include "pipeline/decode/extra.h"

using namespace rollcall;

BOOST_AUTO_TEST_SUITE(decode_keys)

BOOST_AUTO_TEST_CASE(case_and_separators_do_not_count) {
    for (const std::string_view sent : {"cpucount", "cpu-count", "cpu_count", "cpuCount",
                                        "CPU Count", "cpu.count", "cpu:count", "/cpu/count"}) {
        const Key key = find_key(sent);
        BOOST_TEST(bool(key), sent);
        BOOST_TEST((key->column == Column::cpu_count), sent);
        BOOST_TEST(key.sent == sent);
    }
}

// If an ambiguous key does not stand for its column, its value goes to `extra`. In this case the
// decoder does not check whether the key is the name of a secret. So no ambiguous key may be the
// name of a secret.
BOOST_AUTO_TEST_CASE(no_ambiguous_key_is_the_name_of_a_secret) {
    for (const ColumnInfo& column : columns_table) {
        std::istringstream words{std::string(column.keys)};
        for (std::string word; words >> word;) {
            word.resize(std::min(word.find_first_of("~?+,=^%#"), word.size()));
            const Key key = find_key(word);
            BOOST_REQUIRE(key);
            if (key->ambiguous || key->pairs_only) BOOST_TEST(!is_secret(word), word);
        }
    }
}

BOOST_AUTO_TEST_CASE(every_key_of_the_table_leads_to_its_column_best_first) {
    for (size_t column = 0; column < columns_count; ++column) {
        std::istringstream words{std::string(columns_table[column].keys)};
        int number_before = -1;
        for (std::string word; words >> word;) {
            const auto has_mark = [&word](char mark) {
                const bool has = word.ends_with(mark);
                if (has) word.pop_back();
                return has;
            };
            const bool weak = has_mark('~');
            const bool ambiguous = has_mark('?');
            const bool in_use = has_mark('+');
            const bool two = has_mark(',');
            const bool pairs_only = has_mark('=');
            const bool several = has_mark('^');
            const bool share = has_mark('%');
            const bool mac = has_mark('#');
            const Key key = find_key(word);
            BOOST_TEST(bool(key), word);
            BOOST_TEST(index(key->column) == column, word);
            BOOST_TEST(key->number > number_before, word);
            BOOST_TEST(key->ambiguous == ambiguous, word);
            BOOST_TEST(key->in_use == in_use, word);
            BOOST_TEST(key->weak == weak, word);
            BOOST_TEST(key->two == two, word);
            BOOST_TEST(key->pairs_only == pairs_only, word);
            BOOST_TEST(key->several == several, word);
            BOOST_TEST(key->share == share, word);
            BOOST_TEST(key->mac == mac, word);
            BOOST_TEST(key->scale == 1, word);
            BOOST_TEST(key->number < listed_keys(), word);
            number_before = key->number;
        }
    }
}

BOOST_AUTO_TEST_CASE(a_member_is_known_by_its_path) {
    BOOST_TEST((find_key("ram", "total")->column == Column::mem_total));
    BOOST_TEST((find_key("Load", "one")->column == Column::cpu_load));
    BOOST_TEST((find_key("cpu", "count")->column == Column::cpu_count));
    BOOST_TEST(!find_key("interface", "name"));
}

BOOST_AUTO_TEST_CASE(groups_are_folded_like_keys) {
    for (const std::string_view name : {"resource", "Resource", "system-resource", "inventory"})
        BOOST_TEST(is_group(name), name);
    for (const std::string_view name : {"", "interfaces", "wireless", "ram"})
        BOOST_TEST(!is_group(name), name);
}

BOOST_AUTO_TEST_CASE(other_keys_are_unknown) {
    for (const std::string_view sent :
         {"", "-", "cpucounts", "cpucoun", "cpu+count", "site_id", "received_at", "warnings",
          "cpucountcpucountcpucountcpucount", "c\xC3\xA9pucount"})
        BOOST_TEST(!find_key(sent), sent);
    // The key is longer than the words in the table, and ends with a known key.
    BOOST_TEST(!find_key(std::string(16, 'x') + "uptime"));
    BOOST_TEST(!find_key(std::string(24, 'x') + "uptime"));
    BOOST_TEST(!find_key(std::string_view("uptime\0", 7)));
}

BOOST_AUTO_TEST_SUITE_END()
