#include "config/setting_value.h"

#include <boost/test/unit_test.hpp>

using namespace rollcall;

namespace {

TomlValue toml(auto value) { return {std::move(value), 1}; }

}  // namespace

BOOST_AUTO_TEST_SUITE(setting_value)

BOOST_AUTO_TEST_CASE(text_of_each_type_is_read) {
    BOOST_TEST((value_from_text<Bytes>("64KiB") == 64_KiB));
    BOOST_TEST((value_from_text<Millis>("30s") == 30s));
    BOOST_TEST((value_from_text<Count>("4") == 4U));
    BOOST_TEST((value_from_text<Flag>("false") == false));
    BOOST_TEST((value_from_text<Text>(" a ") == " a "));
    BOOST_TEST((value_from_text<List>("a,b") == List{"a", "b"}));
    BOOST_TEST((value_from_text<List>("") == List{}));
    BOOST_TEST((value_from_text<Properties>("a.b=c,d=1") == Properties{{"a.b", "c"}, {"d", "1"}}));
}

BOOST_AUTO_TEST_CASE(text_of_another_type_is_refused) {
    for (const char* text : {"", "x", "64"}) BOOST_TEST(!value_from_text<Bytes>(text).has_value());
    for (const char* text : {"", "-1", "1 ", "1.0"})
        BOOST_TEST(!value_from_text<Count>(text).has_value());
    for (const char* text : {"", "yes", "True"})
        BOOST_TEST(!value_from_text<Flag>(text).has_value());
    for (const char* text : {"a", "=a", "a=1,a=2"})
        BOOST_TEST(!value_from_text<Properties>(text).has_value());
}

BOOST_AUTO_TEST_CASE(toml_of_each_type_is_read) {
    BOOST_TEST((value_from_toml<Bytes>(toml(Text("1MiB"))) == 1_MiB));
    BOOST_TEST((value_from_toml<Millis>(toml(Text("2min"))) == 2min));
    BOOST_TEST((value_from_toml<Count>(toml(int64_t{3})) == 3U));
    BOOST_TEST((value_from_toml<Flag>(toml(true)) == true));
    BOOST_TEST((value_from_toml<List>(toml(Text("a,b"))) == List{"a,b"}));
    BOOST_TEST((value_from_toml<List>(toml(TomlArray{toml(Text("a")), toml(Text("b"))})) ==
                List{"a", "b"}));
    const TomlTable table{{"x", toml(TomlTable{{"y", toml(int64_t{1})}})}, {"z", toml(false)}};
    BOOST_TEST(
        (value_from_toml<Properties>(toml(table)) == Properties{{"x.y", "1"}, {"z", "false"}}));
}

BOOST_AUTO_TEST_CASE(toml_of_another_type_is_refused) {
    BOOST_TEST(!value_from_toml<Bytes>(toml(int64_t{64})).has_value());
    BOOST_TEST(!value_from_toml<Count>(toml(int64_t{-1})).has_value());
    BOOST_TEST(!value_from_toml<Count>(toml(Text("1"))).has_value());
    BOOST_TEST(!value_from_toml<Flag>(toml(int64_t{1})).has_value());
    BOOST_TEST(!value_from_toml<Text>(toml(int64_t{1})).has_value());
    BOOST_TEST(!value_from_toml<List>(toml(TomlArray{toml(int64_t{1})})).has_value());
    BOOST_TEST(!value_from_toml<Properties>(toml(TomlTable{{"a", TomlValue{}}})).has_value());
}

BOOST_AUTO_TEST_CASE(values_are_written_as_toml_and_secrets_are_not) {
    BOOST_TEST(value_to_toml(Text("a\"b")) == R"("a\"b")");
    BOOST_TEST(value_to_toml(64_KiB) == "\"64KiB\"");
    BOOST_TEST(value_to_toml(Millis(1500)) == "\"1500ms\"");
    BOOST_TEST(value_to_toml(Count{4}) == "4");
    BOOST_TEST(value_to_toml(Flag{true}) == "true");
    BOOST_TEST(value_to_toml(List{"a", "b"}) == "[\"a\", \"b\"]");
    BOOST_TEST(value_to_toml(Properties{{"a", "1"}, {"ssl.key.password", "hush"}}) ==
               "{\"a\" = \"1\", \"ssl.key.password\" = \"***\"}");
}

BOOST_AUTO_TEST_SUITE_END()
