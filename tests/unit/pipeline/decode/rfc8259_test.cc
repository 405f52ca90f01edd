// RFC 8259, sentence by sentence: every text that the RFC calls JSON is accepted, and no other
// text.
//
// The tests check this in two ways. There are tables of texts in the order of the RFC's sections.
// In addition, the tests form every short text of the bytes that have a meaning in JSON. For each
// of these texts, they compare the decoder with a second implementation of the RFC's grammar.
#include <fmt/core.h>

#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/base/utf8.h"
#include "pipeline/decode/json_cursor.h"
#include "tests/support/report.h"

using namespace rollcall;
using namespace std::string_literals;

namespace {

struct Group {
    std::string_view why;
    std::vector<std::string> texts;
};

std::string nested(size_t depth, std::string_view core = "") {
    return std::string(depth, '[') + std::string(core) + std::string(depth, ']');
}

const std::vector<Group> valid = {
    {"white space may stand around every token",
     {" 1", "1 ", "\t1", "1\n", "\r\n1\r\n", " [ ] ", "{ }", " [\n1\t,\r2 ] ",
      "{ \"a\" : 1 , \"b\":2}"}},
    {"three words", {"true", "false", "null", "[true]", "[false,null]"}},
    {"any value may be the whole text", {"0", "-0", "-0.1", "\"\"", "\" \"", "\"a\"", "[]", "{}"}},
    {"objects",
     {R"({"a":1})", R"({"a":[]})", R"({"":0})", R"({"a":{"b":{}}})", R"({"a":1,"b":2,"c":3})",
      R"({"a":1,"a":2})", R"({"a":1,"a":1})", R"({"\u0000":1})", R"({"a b":1})", R"({"\"":1})",
      R"({"min":-1.0e+28,"max":1.0e+28})", "{\n\"a\":\n\"b\"\n}"}},
    {"arrays",
     {"[]", "[[]]", "[[],[]]", R"([""])", "[1,2,3]", R"([null,1,"1",{}])", "[1,null,null,null,2]",
      "[ 1]", "[1 ]"}},
    {"numbers",
     {"[0]",
      "[-0]",
      "[1]",
      "[-1]",
      "[10]",
      "[123]",
      "[0.0]",
      "[-0.0]",
      "[1.5]",
      "[0.125]",
      "[10.01]",
      "[123.456789]",
      "[0e1]",
      "[0E1]",
      "[0e+1]",
      "[0e-1]",
      "[0.0e0]",
      "[1e2]",
      "[1E22]",
      "[1E+2]",
      "[1E-2]",
      "[1e+2]",
      "[1e-2]",
      "[20e1]",
      "[1.5e1]",
      "[123.456e78]",
      "[1.5E+2]",
      "[1.5E-2]",
      "[1e00]",
      "[1e-007]",
      "[-1e-1]",
      "[1.0000000000000000000000]",
      "[-0.00000000000000000000000001]"}},
    {"strings",
     {R"(["a"])", R"([" "])", R"(["a/b"])", R"(["a'b"])", R"(["[{,:}]"])",
      R"(["/* no comment */"])", R"(["\"\\\/\b\f\n\r\t"])", R"(["\u0000"])",
      R"(["\u0020\u0022\u005c\u005C"])", R"(["\\u0061"])", R"(["\\n"])", R"(["\\a"])",
      R"(["\\\""])", R"(["\uabcd\uABCD\uaBcD"])"}},
    {"any character but quotes, backslashes and controls",
     {"[\"\x7f\"]",
      "[\"a\x7f"
      "a\"]",
      "[\"\u0080\"]", "[\"é\"]", "[\"π\"]", "[\"€\"]", "[\"⍂㈴⍂\"]", "[\"\u2028\u2029\"]",
      "[\"\u2060\uFEFF\"]", "[\"\uFDD0\uFFFE\uFFFF\"]", "[\"\U0001D11E\"]",
      "[\"\U0001BFFF\U0001FFFF\U0010FFFF\"]"}},
    {"escaped characters beyond the first plane, and such as mean none",
     {R"(["\ud834\udd1e"])", R"(["\uD801\udc37"])", R"(["\ud83d\ude39\ud83d\udc8d"])",
      R"(["\udbff\udfff"])", R"(["\uD83F\uDFFE\uDBFF\uDFFE"])", R"(["\uFDD0\uFFFE\uFFFF"])",
      R"(["\u200B\u2064"])", R"(["\u00A0\u0085"])"}},
    {"as deep as we go", {nested(json_depth_max), nested(json_depth_max, "1")}},
};

const std::vector<Group> invalid = {
    {"something must be there", {"", " ", "\n\t\r "}},
    {"only four characters are white space",
     {"[\f]", "[\v]", "\f1", "[\u00A0]", "[\u2060]", "[\u2028]", "[\uFEFF]", "[\0]"s, "1\0"s, "\b1",
      "[\x7f]"}},
    {"one value, and no more",
     {"1 2", "[][]", "{}{}", "{}}", "[1]]", "[1]x", "{\"a\":1}\"b\"", "{\"a\":1}#", "{\"a\":1} //",
      "\"\"x", "2@", "true false", "[1],", "{},", "1,", "1]", "nullnull"}},
    {"no comments",
     {"/**/1", "1/**/", "//\n1", "1//", "1/", "[1/**/]", "{\"a\":/*c*/1}", "{/**/}", "#\n1",
      "[1]--"}},
    {"words are whole, and in lower case",
     {"tru",    "truE",         "True",         "TRUE",
      "truee",  "truth",        "fals",         "False",
      "falsey", "nul",          "nulL",         "NULL",
      "nil",    "none",         "undefined",    "yes",
      "t",      "[tru]",        "[fals]",       "[nul]",
      "[True]", "[ true, fals", "[ false, nul", "[ false, tru",
      "<null>"}},
    {"numbers are none of these words",
     {"NaN", "nan", "[NaN]", "-NaN", "Infinity", "-Infinity", "[Infinity]", "Inf", "-Inf", "+Inf",
      "[inf]", "0xff", "$1"}},
    {"a number's sign", {"+1", "[+1]", "++1", "--1", "-", "[-]", "- 1", "-+1", "-x", "-foo", "−1"}},
    {"a number's first digits",
     {"01",  "00",     "-01", "-00",   "012", "-012", "00.0", "-00.0", "00e0",  "0777",    ".1",
      "-.1", "[.123]", ".-1", ".2e-3", "0x1", "0x42", "0b1",  "0o7",   "1_000", "1 000.0", "１"}},
    {"a number's fraction",
     {"1.", "-2.", "0.", "1.e1", "2.e3", "2.e+3", "0.e1", "9.e+", "1.x", "0.1.2", "-1.0.", "1..5",
      "1.2a-3"}},
    {"a number's exponent",
     {"1e",   "1E",   "0e",    "0E",    "1e+",   "1E-", "0e+", "0.3e", "0.3e+", "1.0e-",
      "1eE2", "1ee2", "1e1e1", "1e1.5", "0e+-1", "1ea", "e1",  "1 e1", "1e 1",  "1.8H-308"}},
    {"what follows a number",
     {"1x", "-1x", "123foo", "-1.5foo", "1+2", "1-2", "1/2", "1a", "1\"\""}},
    {"arrays", {"[",        "[1",     "[1,",    "[1,\n2\n,3",    "[\"a\"",    "[\"a\",\n4\n,1,",
                "[{}",      "[[]",    "[,",     "[,]",           "[,1]",      "[1,]",
                "[\"\",]",  "[1,,]",  "[1,,2]", "[\"x\",,]",     "[ , \"\"]", "[1 2]",
                "[1 true]", "[3[4]]", "[[]1]",  "[\"a\" \"b\"]", "[1:2]",     "[\"\":1]",
                "[1;2]",    "[x",     "[x]",    "[*]",           "[a]",       "]",
                "[}",       "[1}",    "[{]",    "[[[[",          "(1)",       "<1>"}},
    {"objects",
     {"{",
      "{\"",
      "{\"a",
      "{\"a\"",
      "{\"a\":",
      "{\"a\":1",
      "{\"a\":1,",
      "{\"\":",
      "{\"a\":\"a",
      "{\"a\"}",
      "{\"a\" 1}",
      "{\"a\" b}",
      "{\"a\",1}",
      "{\"x\", null}",
      "{\"a\"::1}",
      "{\"a\":1:2}",
      "{:1}",
      "{\"a\":}",
      "{\"a\":,\"b\":1}",
      "{,",
      "{,}",
      "{,\"a\":1}",
      "{\"a\":1,}",
      "{\"a\":1,,}",
      "{\"a\":1,,\"b\":2}",
      "{\"a\":1 \"b\":2}",
      "{\"a\":1 2}",
      "{\"a\":\"a\" 1}",
      "{\"a\":1,\"b\"}",
      "{]",
      "{\"a\":1]",
      "{[",
      "{[: 1}",
      "{[]:1}",
      "{{}:1}",
      "}",
      "{\"a\":1;\"b\":2}",
      "{\"a\"=1}",
      "{\"a\"=>1}"}},
    {"names are strings",
     {"{a:1}", "{a: \"b\"}", "{1:1}", "{null:null}", "{true:1}", "{9e9:1}", "{'a':1}", "{'a'",
      "{key: 'value'}", "{🇨🇭}", "{\\u0061:1}", "{$a:1}"}},
    {"strings end",
     {"\"", "\"a", "[\"a", "[\"a]", "[\"\\\"]", "[\"\\\\\\\"]", "[\"\\", "[\"\\u00", "\"a\\\"",
      "[\"\\{[\"\\{["}},
    {"only double quotes",
     {"'a'", "['a']", "['", "`a`", "abc", "[é]", "“a”", "[\\u0020\"a\"]", "[\\n]", "aå", "å", "*",
      "<.>"}},
    {"controls are escaped",
     {"[\"\t\"]", "[\"a\nb\"]", "[\"\r\"]", "[\"\0\"]"s, "[\"a\0a\"]"s, "[\"\x01\"]", "[\"\x1f\"]",
      "[\"\v\"]", "{\"a\nb\":1}", "[\"\x1b[0m\"]"}},
    {"only these are escapes",
     {R"(["\a"])", R"(["\v"])", R"(["\0"])", R"(["\1"])", R"(["\'"])", R"(["\x00"])", R"(["\X41"])",
      R"(["\U0041"])", R"(["\N"])", R"(["\ "])", "[\"\\\t\"]", "[\"\\\n\"]", "[\"\\\0\"]"s,
      "[\"\\é\"]", "[\"\\🌀\"]", R"({"\a":1})"}},
    {"four hex digits",
     {R"(["\u"])", R"(["\u1"])", R"(["\u00A"])", R"(["\u00AG"])", R"(["\uqqqq"])", R"(["\u 041"])",
      R"(["\u-041"])", R"(["\u{41}"])", R"(["\ud800\u"])", R"(["\ud800\u1"])", R"(["\ud800\u1x"])",
      R"(["\ud834\udd"])", R"(["\ud800\ud800\x"])", R"(["\ud800\"])"}},
    {"no byte order mark within or alone", {"\uFEFF[]"s, "\uFEFF"s, "\xEF\xBB{}", "[1\uFEFF]"}},
    {"deeper than we go",
     {nested(json_depth_max + 1), nested(500), std::string(100'000, '['),
      [] {
          std::string text;
          for (int i = 0; i < 50'000; ++i) text += "[{\"\":";
          return text;
      }()}},
};

// The grammar of sections 2 to 7 on bytes. Each rule is a function.
class Grammar {
public:
    static bool takes(std::string_view text) {
        Grammar grammar{text};
        grammar.space();
        if (!grammar.value()) return false;
        grammar.space();
        return grammar.at_ == text.size();
    }

private:
    explicit Grammar(std::string_view text) : text_(text) {}

    bool take(std::string_view word) {
        if (!text_.substr(at_).starts_with(word)) return false;
        at_ += word.size();
        return true;
    }
    bool take_one_of(std::string_view characters) {
        if (at_ >= text_.size() || characters.find(text_[at_]) == characters.npos) return false;
        ++at_;
        return true;
    }
    void space() {
        while (take_one_of(" \t\n\r")) continue;
    }
    bool value() {
        const auto rule = [this, begin = at_](bool (Grammar::*which)()) {
            at_ = begin;
            return (this->*which)();
        };
        return take("false") || take("null") || take("true") || rule(&Grammar::object) ||
               rule(&Grammar::array) || rule(&Grammar::number) || rule(&Grammar::string);
    }
    bool object() {
        if (!take("{")) return false;
        space();
        if (take("}")) return true;
        do {
            space();
            if (!string()) return false;
            space();
            if (!take(":")) return false;
            space();
            if (!value()) return false;
            space();
        } while (take(","));
        return take("}");
    }
    bool array() {
        if (!take("[")) return false;
        space();
        if (take("]")) return true;
        do {
            space();
            if (!value()) return false;
            space();
        } while (take(","));
        return take("]");
    }
    bool digits() {
        if (!take_one_of("0123456789")) return false;
        while (take_one_of("0123456789")) continue;
        return true;
    }
    bool number() {
        take("-");
        if (!take("0") && !digits()) return false;
        if (take(".") && !digits()) return false;
        if (!take_one_of("eE")) return true;
        take_one_of("+-");
        return digits();
    }
    bool string() {
        if (!take("\"")) return false;
        for (;;) {
            if (take("\"")) return true;
            if (take("\\")) {
                if (take("u")) {
                    for (int digit = 0; digit < 4; ++digit)
                        if (!take_one_of("0123456789abcdefABCDEF")) return false;
                } else if (!take_one_of("\"\\/bfnrt")) {
                    return false;
                }
            } else {
                if (at_ >= text_.size() || static_cast<unsigned char>(text_[at_]) < 0x20)
                    return false;
                ++at_;
            }
        }
    }

    std::string_view text_;
    size_t at_ = 0;
};

// Calls visit() with every text that consists of `count` parts.
template <class Visit>
void every_text(const std::vector<std::string_view>& parts, size_t count, Visit visit) {
    std::vector<size_t> chosen(count, 0);
    for (;;) {
        std::string text;
        for (const size_t part : chosen) text += parts[part];
        visit(text);
        size_t place = 0;
        while (place < count && ++chosen[place] == parts.size()) chosen[place++] = 0;
        if (place == count) return;
    }
}

size_t compare_all(const std::vector<std::string_view>& parts, size_t count_max) {
    size_t taken = 0;
    for (size_t count = 0; count <= count_max; ++count)
        every_text(parts, count, [&](const std::string& text) {
            const bool right = Grammar::takes(text);
            taken += right;
            if (is_json(text) != right) BOOST_TEST(is_json(text) == right, text);
        });
    return taken;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(decode_rfc8259)

BOOST_AUTO_TEST_CASE(all_that_is_json_is_taken) {
    for (const auto& [why, texts] : valid)
        for (const auto& text : texts) BOOST_TEST(is_json(text), why << ": " << text);
}

BOOST_AUTO_TEST_CASE(nothing_that_is_not_json_is_taken) {
    for (const auto& [why, texts] : invalid)
        for (const auto& text : texts)
            BOOST_TEST(!is_json(text), why << ": " << text.substr(0, 100));
}

// The decoder parses values in another way than skip(). Both must be equally strict about every
// value in every position.
BOOST_AUTO_TEST_CASE(a_report_is_as_strict_wherever_the_value_stands) {
    const std::vector<std::pair<std::string, std::string>> places = {
        {R"({"unknown":)", "}"},
        {R"({"uptime":)", "}"},
        {R"({"identity":)", "}"},
        {R"({"resource":{"x":)", "}}"},
        {R"({"list":[1,[0,)", "]]}"},
        {R"({"health":[{"name":"voltage","value":)", "}]}"},
        {R"([{"x":[0,)", "]}]"},
        {R"([{"seq":)", "}]"},
        {R"({"jsonrpc":"2.0","id":)", "}"},
    };
    for (const auto& [before, behind] : places) {
        for (const auto& group : valid)
            for (const auto& text : group.texts) {
                if (text.starts_with(nested(json_depth_max).substr(0, json_depth_max))) continue;
                const std::string body = before + text + behind;
                BOOST_TEST(Report(body).outcome() == "ok", body);
            }
        for (const auto& group : invalid)
            for (const auto& text : group.texts) {
                const std::string body = before + text + behind;
                BOOST_TEST(!Report(body).result().has_value(), body.substr(0, 200));
            }
    }
}

BOOST_AUTO_TEST_CASE(every_text_of_few_tokens_is_judged_as_the_grammar_does) {
    BOOST_TEST(compare_all({"{", "}", "[", "]", ",", ":", "\"a\"", "1", "null", " ", "x"}, 6) >
               300);
}

BOOST_AUTO_TEST_CASE(every_short_number_is_judged_as_the_grammar_does) {
    BOOST_TEST(compare_all({"-", "+", "0", "1", ".", "e", "E", "x"}, 6) > 300);
}

BOOST_AUTO_TEST_CASE(every_short_string_is_judged_as_the_grammar_does) {
    for (const std::string open : {"", "\"", "\"\\u00", "{\""})
        compare_all({std::string_view(open), "\"", "\\", "u", "n", "0", "G", "\t", "é", "\":1}"},
                    5);
    BOOST_TEST(compare_all({"\"", "\\", "\\u", "00", "aF", "b", "\x1f"}, 6) > 300);
}

BOOST_AUTO_TEST_CASE(every_byte_stands_in_a_string_as_it_may_and_nowhere_else) {
    for (int byte = 0; byte < 0x80; ++byte) {
        const std::string c(1, static_cast<char>(byte));
        for (const std::string& text :
             {"[\"" + c + "\"]", "[\"\\" + c + "\"]", "[1" + c + "]", "[" + c + "]", "[1]" + c,
              c + "[1]", "{\"a\"" + c + "1}", "tru" + c})
            BOOST_TEST(is_json(text) == Grammar::takes(text), byte << " in " << text);
    }
}

// Checks what the decoder does where the RFC allows several behaviours (sections 4, 6, 8 and 9).
BOOST_AUTO_TEST_CASE(what_is_left_to_us_is_taken_if_a_router_could_mean_something_by_it) {
    for (const std::string text :
         {"[1e9999]", "[-1e9999]", "[1e-9999]", "[123456789012345678901234567890]",
          "[-9223372036854775809]", R"(["\ud800"])", R"(["\udc00"])", R"(["\ud800\n"])",
          R"(["\ud800\ud800"])", R"(["\udd1e\ud834"])", R"(["\ud800abc"])", R"({"\udc00":1})"})
        BOOST_TEST(is_json(text), text);
    // Section 8.1: bytes that are not UTF-8 are read as Windows-1252. A byte order mark is skipped.
    for (const std::string bytes : {"\xE9", "\xE0\xFF", "\xED\xA0\x80", "\xC0\xAF",
                                    "\xF4\xBF\xBF\xBF", "\x81", "\xFC\x83\xBF\xBF\xBF\xBF"}) {
        const Report report("{\"cpu_count\":1,\"identity\":\"a" + bytes + "\"}");
        BOOST_TEST(report.outcome() == "ok");
        BOOST_TEST(report.warnings() == "charset_cp1252");
        BOOST_TEST(!Report("{\"cpu\":1" + bytes + "}").result().has_value());
        BOOST_TEST(!Report("{" + bytes + "}").result().has_value());
    }
    BOOST_TEST(Report("\uFEFF{\"cpu_count\":1}").warnings() == "utf8_bom");
    for (const std::string& utf16 : {"\xFF\xFE{\0}\0"s, "\0{\0}"s, "{\0}\0"s})
        BOOST_TEST(!Report(utf16).result().has_value());
}

// According to the RFC, any value can be a JSON text (section 2). But a report must be an object or
// a list of objects.
BOOST_AUTO_TEST_CASE(json_that_is_no_report_is_told_from_what_is_no_json) {
    for (const std::string text : {"1", "\"a\"", "null", "true"})
        BOOST_TEST(Report(text, BodyHint::json).outcome() == "unsupported_shape", text);
    for (const std::string text : {"01", "\"a", "nul", "True"})
        BOOST_TEST(Report(text, BodyHint::json).outcome().starts_with("malformed_json"), text);
}

BOOST_AUTO_TEST_SUITE_END()
