#include "pipeline/decode/dictionary.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "tests/support/random.h"
#include "tests/support/report.h"

using namespace rollcall;

namespace {

bool same(const Meaning& a, const Meaning& b) {
    return a.in_pairs == b.in_pairs && a.alone == b.alone && a.in_object == b.in_object &&
           a.group == b.group && a.secret == b.secret && a.plain == b.plain;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(decode_dictionary)

BOOST_AUTO_TEST_CASE(a_name_means_what_the_tables_say) {
    Dictionary names;
    BOOST_TEST((names.look_up("cpu-load").alone == find_key("cpu-load").known));
    BOOST_TEST((names.look_up("ram", "total").in_object == find_key("ram", "total").known));
    BOOST_TEST((names.look_up("ram", "total").alone == nullptr));
    BOOST_TEST(names.look_up("system-resource").group);
    BOOST_TEST(names.look_up("wpa2-pre-shared-key").secret);
    BOOST_TEST(names.look_up("software-id").plain);
    for (const std::string_view name : {"", "a b", "caf\u00e9", " Main St", "a/b"})
        BOOST_TEST(!names.look_up(name).plain, name);
}

BOOST_AUTO_TEST_CASE(an_object_and_its_member_are_not_mixed_up_with_others) {
    Dictionary names;
    for (int round = 0; round < 2; ++round) {
        BOOST_TEST((names.look_up("ram", "total").in_object != nullptr));
        BOOST_TEST((names.look_up("ramtotal").in_object == nullptr));
        BOOST_TEST((names.look_up("ra", "mtotal").alone == nullptr));
        BOOST_TEST((names.look_up("", "ramtotal").alone != nullptr));
    }
}

BOOST_AUTO_TEST_CASE(the_name_that_came_next_is_expected_where_it_ends_as_it_did) {
    Dictionary names;
    const auto expected = [&](std::string_view text) {
        const Body sent(text);
        return names.expect(sent.view(), "=");
    };
    (void)names.look_up("uptime");
    BOOST_TEST(expected("cpu-load=").bytes == 0);
    const Meaning& learned = names.look_up("cpu-load");
    (void)names.look_up("uptime");
    for (const std::string_view other : {"cpu-loads=", "cpu-load", "cpu-loae=", "cpu_load=", ""})
        BOOST_TEST(expected(other).bytes == 0, other);
    const auto known = expected("cpu-load=7");
    BOOST_TEST(known.bytes == 8);
    BOOST_TEST(known.meaning == &learned);
    BOOST_TEST(expected("uptime=").bytes == 6);
}

// JSON writes the name `a"b` as `a\"b`, so the bytes `a"b` in a JSON text must not be read as this
// name.
BOOST_AUTO_TEST_CASE(a_name_that_may_have_been_escaped_is_not_expected) {
    Dictionary names;
    const Body sent("a\"b\":1");
    for (int round = 0; round < 2; ++round) {
        (void)names.look_up("uptime");
        BOOST_TEST(names.expect(sent.view(), "\":").bytes == 0);
        (void)names.look_up("a\"b");
    }
}

// The names have few different letters and every length, so that some names share a slot of the
// dictionary, a beginning or an end.
BOOST_AUTO_TEST_CASE(what_is_remembered_is_what_was_learned) {
    Random random("what_is_remembered_is_what_was_learned");
    std::vector<std::string> names = {"uptime", "cpu-load",  "cpu_load",    "CPU Load",
                                      "key",    "total-ram", "free-memory", "resource"};
    for (size_t size = 0; size < 40; ++size) {
        std::string name;
        for (size_t i = 0; i < size; ++i) name += static_cast<char>('a' + random.below(2));
        names.push_back(name);
        if (size > 2) names.push_back(name.replace(random.below(size), 1, "c"));
    }
    Dictionary remembered;
    for (int i = 0; i < 20'000; ++i) {
        const std::string& object = names[random.below(names.size())];
        const std::string& name = names[random.below(names.size())];
        BOOST_TEST(same(remembered.look_up(name), meaning_of({}, name)), name);
        BOOST_TEST(same(remembered.look_up(object, name), meaning_of(object, name)),
                   object << " " << name);
    }
}

BOOST_AUTO_TEST_SUITE_END()
