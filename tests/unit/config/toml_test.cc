#include "config/toml.h"

#include <boost/test/unit_test.hpp>

using namespace rollcall;

BOOST_AUTO_TEST_SUITE(toml)

BOOST_AUTO_TEST_CASE(values_of_every_type_have_their_lines) {
    const auto table = parse_toml("a = \"x\"\nb = -2\nc = true\nd = [1, \"y\"]\n[e]\nf = 1.5\n");
    BOOST_TEST_REQUIRE(table.has_value());
    BOOST_TEST_REQUIRE(table->size() == 5);
    for (size_t i = 0; i < table->size(); ++i) {
        BOOST_TEST((*table)[i].name == std::string(1, static_cast<char>('a' + i)));
        BOOST_TEST((*table)[i].value.line == static_cast<int>(i + 1));
    }
    BOOST_TEST(std::get<std::string>((*table)[0].value.value) == "x");
    BOOST_TEST(std::get<int64_t>((*table)[1].value.value) == -2);
    BOOST_TEST(std::get<bool>((*table)[2].value.value));
    BOOST_TEST(std::get<TomlArray>((*table)[3].value.value).size() == 2);
    const auto& inner = std::get<TomlTable>((*table)[4].value.value);
    BOOST_TEST_REQUIRE(inner.size() == 1);
    BOOST_TEST(inner[0].name == "f");
    BOOST_TEST(std::holds_alternative<std::monostate>(inner[0].value.value));
}

BOOST_AUTO_TEST_CASE(syntax_error_has_its_line) {
    const auto table = parse_toml("a = 1\n[b\n");
    BOOST_TEST_REQUIRE(!table.has_value());
    BOOST_TEST(table.error().line == 2);
    BOOST_TEST(!table.error().description.empty());
}

BOOST_AUTO_TEST_CASE(quoted_text_is_read_back) {
    for (const std::string text : {"", "a", "\"", "\\", "a\nb", "é", "\x01"}) {
        const auto table = parse_toml("a = " + quote_toml(text));
        BOOST_TEST_REQUIRE(table.has_value());
        BOOST_TEST(std::get<std::string>(table->front().value.value) == text);
    }
}

BOOST_AUTO_TEST_SUITE_END()
