#include "pipeline/decode/decode.h"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/support/allocations.h"
#include "tests/support/random.h"
#include "tests/support/report.h"

using namespace rollcall;
namespace fs = std::filesystem;

namespace {

// Returns the bytes of a record with the committed rows.
std::string record(const Columns& rows) {
    std::array<iovec, Columns::pieces_max> pieces;
    std::string bytes;
    const size_t count = rows.pieces(pieces);
    for (size_t i = 0; i < count; ++i)
        bytes.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
    return bytes;
}

std::vector<std::string> files_in(const fs::path& folder) {
    std::vector<std::string> files;
    for (const auto& entry : fs::directory_iterator(fs::path(ROLLCALL_SOURCE_DIR) / folder)) {
        std::ifstream stream(entry.path(), std::ios::binary);
        files.emplace_back(std::istreambuf_iterator<char>(stream),
                           std::istreambuf_iterator<char>());
    }
    return files;
}

// Bodies of the corpus in which some bytes are changed, removed or doubled.
class DamagedBodies {
public:
    explicit DamagedBodies(const char* test) : random_(test) {
        for (const char* corpus : {"tests/corpus", "tests/corpus2"})
            for (std::string& body : files_in(corpus))
                if (!body.empty() && body.size() < 2000) bodies_.push_back(std::move(body));
    }
    std::string next() {
        std::string body = bodies_[random_.below(bodies_.size())];
        for (auto changes = random_.below(4); changes > 0 && !body.empty(); --changes) {
            const size_t at = random_.below(body.size());
            switch (random_.below(3)) {
                case 0: body[at] = static_cast<char>(random_.below(256)); break;
                case 1: body.erase(at, random_.below(20)); break;
                case 2: body.insert(at, body.substr(random_.below(body.size()), 20)); break;
            }
        }
        return body;
    }

private:
    Random random_;
    std::vector<std::string> bodies_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(decode)

BOOST_AUTO_TEST_CASE(a_content_type_claims_json_or_a_form_or_nothing) {
    for (const std::string_view type : {"application/json", "Application/JSON; charset=utf-8",
                                        "text/json", "application/problem+json ;q=1"})
        BOOST_TEST((body_hint(type) == BodyHint::json), type);
    BOOST_TEST((body_hint("application/x-www-form-urlencoded;a=b") == BodyHint::form));
    for (const std::string_view type : {"application/x-ndjson", "application/jsonl"})
        BOOST_TEST((body_hint(type) == BodyHint::json_lines), type);
    BOOST_TEST((body_hint("text/plain; charset=utf-8") == BodyHint::text));
    for (const std::string_view type : {"", "text/csv", "json5", "application/jsonp"})
        BOOST_TEST((body_hint(type) == BodyHint::unknown), type);
}

BOOST_AUTO_TEST_CASE(the_first_byte_decides_before_the_content_type) {
    BOOST_TEST(Report("\n {\"cpu_load\":5}", BodyHint::form)[Column::cpu_load] == "5");
    BOOST_TEST(Report("[{\"cpu_load\":5}]", BodyHint::form)[Column::cpu_load] == "5");
    BOOST_TEST(Report("cpu_load=5", BodyHint::json).outcome() == "malformed_json at 0");
    BOOST_TEST(Report("cpu_load=5", BodyHint::unknown)[Column::cpu_load] == "5");
}

BOOST_AUTO_TEST_CASE(the_separator_after_the_first_equals_sign_decides) {
    BOOST_TEST(Report("name=A;model=R%2B&D")[Column::model] == "R%2B&D");
    BOOST_TEST(Report("name=A&model=R%2B;D")[Column::model] == "R+;D");
    BOOST_TEST(Report("&;name=A%41")[Column::identity] == "A%41");
    BOOST_TEST(Report("name=A%41", BodyHint::form)[Column::identity] == "AA");
}

BOOST_AUTO_TEST_CASE(a_body_without_an_equals_sign_is_nothing_we_know) {
    BOOST_TEST(Report("offline").outcome() == "malformed_pairs");
    BOOST_TEST(Report("a;b&c").outcome() == "malformed_pairs");
}

BOOST_AUTO_TEST_CASE(nuls_and_spaces_at_the_end_are_taken_off) {
    using namespace std::string_literals;
    BOOST_TEST(Report("{\"cpu_load\":5}\r\n\0\0 \0"s)[Column::cpu_load] == "5");
    BOOST_TEST(Report("name=a;cpu-load=5\0"s)[Column::cpu_load] == "5");
}

BOOST_AUTO_TEST_CASE(an_empty_body_is_a_sign_of_life) {
    using namespace std::string_literals;
    for (const std::string& body : {""s, " \r\n"s, "\0"s}) {
        BOOST_TEST(Report(body, BodyHint::json).outcome() == "ok");
        BOOST_TEST(Report(body, BodyHint::json).warnings() == "empty_body");
    }
}

BOOST_AUTO_TEST_CASE(a_byte_order_mark_is_taken_off_with_a_remark) {
    const Report report("\xEF\xBB\xBF{\"cpu_load\":5}");
    BOOST_TEST(report[Column::cpu_load] == "5");
    BOOST_TEST(report.warnings() == "utf8_bom");
}

BOOST_AUTO_TEST_CASE(bytes_that_are_not_utf8_cost_a_remark_only) {
    const Report json("{\"identity\":\"G\xE5rden \xD6stra Ёлки\",\"cpu_count\":4}");
    BOOST_TEST(json[Column::identity] == "Gården Östra Ёлки");
    BOOST_TEST(json.warnings() == "charset_cp1252");
    const Report list("name=G\xE5rden;cpu-count=4");
    BOOST_TEST(list[Column::identity] == "Gården");
    BOOST_TEST(list.warnings() == "charset_cp1252");
}

BOOST_AUTO_TEST_CASE(the_offset_of_an_error_is_in_the_body_that_was_sent) {
    BOOST_TEST(Report("{\"a\":x}").outcome() == "malformed_json at 5");
    BOOST_TEST(Report("\xEF\xBB\xBF{\"a\":x}").outcome() == "malformed_json at 8");
    BOOST_TEST(Report("{\"\xE5\x80\":x}").outcome() == "malformed_json at 6");
    BOOST_TEST(Report("\xEF\xBB\xBF{\"\xE5\x80\":x}").outcome() == "malformed_json at 9");
    BOOST_TEST(Report("{\"a\":1}\xE5").outcome() == "trailing_data at 7");
    BOOST_TEST(Report("{\"a\":1  \n").outcome() == "malformed_json at 6");
}

BOOST_AUTO_TEST_CASE(a_body_of_the_largest_size_is_taken_whatever_is_in_it) {
    constexpr size_t body_bytes_max = 65536;
    const std::string head = "{\"cpu_load\":5,\"pad\":\"";
    for (const char filling : {'x', '\x80', '\\'}) {
        std::string body = head + std::string(body_bytes_max - head.size() - 2, filling) + "\"}";
        if (filling == '\\' && (body_bytes_max - head.size()) % 2 != 0) body[head.size()] = 'x';
        BOOST_TEST(Report(body)[Column::cpu_load] == "5");
    }
}

BOOST_AUTO_TEST_CASE(a_refused_body_leaves_the_slot_as_it_was) {
    DamagedBodies bodies("a_refused_body_leaves_the_slot_as_it_was");
    Rows all(8192, 8 << 20);
    Rows untouched(8192, 8 << 20);  // Decodes only the undamaged bodies.
    Decoder decoder(8192, 8);
    size_t refused = 0;
    for (int i = 0; i < 4000; ++i) {
        const Body body(bodies.next());
        if (!all.take(decoder, {body.view()})) {
            all.rows.discard_row();
            ++refused;
            continue;
        }
        BOOST_REQUIRE(untouched.take(decoder, {body.view()}).has_value());
    }
    BOOST_TEST(refused > 100);
    BOOST_TEST(all.rows.rows() > 100);
    BOOST_TEST((record(all.rows) == record(untouched.rows)));
}

BOOST_AUTO_TEST_CASE(a_body_cut_anywhere_is_taken_or_refused_within_its_bytes) {
    DamagedBodies bodies("a_body_cut_anywhere_is_taken_or_refused_within_its_bytes");
    for (int i = 0; i < 20; ++i) {
        const std::string body = bodies.next();
        for (size_t size = 0; size <= body.size(); ++size) {
            const Report report(std::string_view(body).substr(0, size));
            if (!report.result())
                BOOST_REQUIRE(report.result().error().offset <= static_cast<int64_t>(size));
        }
    }
}

BOOST_AUTO_TEST_CASE(what_the_fuzzers_began_with_is_taken_or_refused_with_a_place) {
    size_t seeds = 0;
    for (const auto* folder : {"tests/fuzz/corpus/decode", "tests/fuzz/corpus/decode_pairs"}) {
        for (const std::string& body : files_in(folder)) {
            const Report report(body);
            ++seeds;
            // If the error is in a report inside a JSON string, it has no offset in the body.
            if (!report.result() && report.result().error().code == Code::malformed_json &&
                !body.starts_with('"'))
                BOOST_TEST(report.result().error().offset >= 0, body);
        }
    }
    BOOST_TEST(seeds > 10);
}

BOOST_AUTO_TEST_CASE(nothing_is_allocated_for_a_body) {
    std::vector<Body> bodies;
    for (const std::string& body : files_in("tests/corpus"))
        if (body.size() <= 65536) bodies.emplace_back(body);
    Rows taken(1024, 4 << 20);
    Decoder decoder(65536, 10);
    const size_t before = allocations();
    for (const Body& body : bodies)
        if (!taken.take(decoder, {body.view()})) taken.rows.discard_row();
    BOOST_TEST(bodies.size() > 50);
    BOOST_TEST(allocations() == before);
}

BOOST_AUTO_TEST_CASE(json_in_an_encoded_field_survives_the_query_beside_it) {
    const Report report("data=%7B%22cpu_count%22%3A4%7D", BodyHint::form, "login=x%20y&key=a%2Bb");
    BOOST_TEST(report.outcome() == "ok");
    BOOST_TEST(report[Column::cpu_count] == "4");
    BOOST_TEST(report.device() == "x y");
}

BOOST_AUTO_TEST_CASE(json_is_found_in_any_field_of_a_form) {
    for (const std::string_view body :
         {"identity=R1&data={\"cpu_count\":4,\"a\":\"b&c=d\"}",
          "identity=R1&data=%7B%22cpu_count%22%3A4%7D",
          "data=%7B%22cpu_count%22%3A4%7D&identity=R1", "identity=R1&data=[{\"cpu_count\":4}]"}) {
        const Report report(body, BodyHint::form);
        BOOST_TEST(report[Column::cpu_count] == "4", body);
        BOOST_TEST(report[Column::identity] == "R1", body);
    }
}

BOOST_AUTO_TEST_CASE(a_bracket_alone_does_not_make_a_field_json) {
    const Report report("name=[lab] R1;cpu-load=5", BodyHint::text);
    BOOST_TEST(report[Column::identity] == "[lab] R1");
    BOOST_TEST(report[Column::cpu_load] == "5");
}

BOOST_AUTO_TEST_CASE(each_report_of_a_list_carries_the_remarks_on_the_body) {
    const Report report(
        "\xEF\xBB\xBF[{\"cpu_count\":4},{\"cpu_count\":2,\"identity\":\"G\xE5rd\"}]");
    BOOST_TEST(report.at(0, Column::warnings) == "utf8_bom,charset_cp1252");
    BOOST_TEST(report.at(1, Column::warnings) == "utf8_bom,charset_cp1252");
    BOOST_TEST(report.at(1, Column::identity) == "G\u00e5rd");
}

BOOST_AUTO_TEST_CASE(json_that_was_cut_is_told_from_json_that_is_broken) {
    for (const std::string_view body :
         {R"({"a":"b)", R"({"a":)", "[1,2", R"({"a":1)", R"({"a":tru)"})
        BOOST_TEST(Report(body).result().error().truncated, body);
    for (const std::string_view body : {R"({"a":})", "[1,]", R"({"a":1}x)", R"({"a":"\x"})"})
        BOOST_TEST(!Report(body).result().error().truncated, body);
}

BOOST_AUTO_TEST_CASE(the_id_of_a_request_is_not_the_routers) {
    const Report report("", BodyHint::unknown, "", "X-Request-Id=123\nX-Router-CPU-Load=5\n");
    BOOST_TEST(report[Column::serial_number] == "NULL");
    BOOST_TEST(report[Column::cpu_load] == "5");
}

BOOST_AUTO_TEST_CASE(what_a_query_says_outlives_the_form_beside_it) {
    const Report report("board=RB%20750&cpu=5%25", BodyHint::form,
                        "identity=My%20Router&login=a%20b");
    BOOST_TEST(report[Column::identity] == "My Router");
    BOOST_TEST(report[Column::board_name] == "RB 750");
    BOOST_TEST(report.device() == "a b");
    const Report json("identity=R%201&data=%7B%22cpu_count%22%3A4%7D&board=RB%20750",
                      BodyHint::form, "login=a%20b&model=x%20y");
    BOOST_TEST(json[Column::identity] == "R 1");
    BOOST_TEST(json[Column::board_name] == "RB 750");
    BOOST_TEST(json[Column::model] == "x y");
    BOOST_TEST(json.device() == "a b");
}

BOOST_AUTO_TEST_CASE(pairs_prove_that_they_are_a_report_by_a_known_key) {
    for (const std::string_view body :
         {"eyJzZXJpYWwiOiJIRzcwOVgxWTJaNCJ9=", "foo=1&bar=2", "a=1;b=2", "x: y", "a,b=c",
          "mikrotik_cpu_load{identity=\"core-1\",serial=\"HG709X1Y2Z4\"} 7\n",
          "HG709X1Y2Z4,core-1,7.16.2,7,817889280,1w2d03:04:05", "login failed for user=admin"})
        for (const BodyHint hint : {BodyHint::unknown, BodyHint::text, BodyHint::form})
            BOOST_TEST(Report(body, hint).outcome() == "malformed_pairs", body);
    for (const std::string_view body :
         {"cpu=", "id=&ver=", "serial=unknown", "uptime=$uptime;version=x", "token=abc&key=def",
          "time=2026-11-28T10:00:00Z", "time=2026-11-28T10:00:00Z level=info msg=started"}) {
        BOOST_TEST(Report(body).outcome() == "malformed_pairs", body);
        BOOST_TEST(Report("", BodyHint::query, body).outcome() == "malformed_pairs", body);
    }
    BOOST_TEST(Report("", BodyHint::query, "foo=1").outcome() == "malformed_pairs");
    BOOST_TEST(Report("", BodyHint::unknown, "foo=1").outcome() == "ok");
    BOOST_TEST(Report("{}", BodyHint::json, "foo=1").outcome() == "ok");
    BOOST_TEST(Report("", BodyHint::json).warnings() == "empty_body");
}

BOOST_AUTO_TEST_CASE(bodies_of_other_kinds_are_refused_as_such) {
    for (const BodyHint hint : {BodyHint::json, BodyHint::unknown, BodyHint::foreign}) {
        BOOST_TEST(Report("<?xml version=\"1.0\"?><a serial=\"X\"/>", hint).outcome() ==
                   "unsupported_media_type");
        BOOST_TEST(Report("<html><body>a=1</body></html>", hint).outcome() ==
                   "unsupported_media_type");
    }
    for (const std::string_view type :
         {"multipart/form-data; boundary=x", "application/xml", "text/html; charset=utf-8",
          "application/x-protobuf", "application/octet-stream", "image/png",
          "application/soap+xml"})
        BOOST_TEST((body_hint(type) == BodyHint::foreign), type);
    BOOST_TEST(Report("--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--x--\r\n",
                      BodyHint::foreign)
                   .outcome() == "unsupported_media_type");
    BOOST_TEST(Report("--x\r\nContent-Disposition: form-data; name=\"uptime\"\r\n\r\n1d\r\n--x--")
                   .outcome() == "unsupported_media_type");
    BOOST_TEST(Report("\x08\x01\x12\x02", BodyHint::foreign).outcome() == "unsupported_media_type");
    // A report is decoded even if the client claims a type that holds no reports.
    BOOST_TEST(Report("{\"cpu_load\":7}", BodyHint::foreign)[Column::cpu_load] == "7");
}

BOOST_AUTO_TEST_CASE(json_is_read_wherever_it_stands) {
    const std::string json = R"({"serial":"HG709X1Y2Z8","cpu_load":7})";
    for (const Report& report :
         {Report(json), Report("data=" + json),
          Report("payload=%7B%22serial%22%3A%22HG709X1Y2Z8%22%2C"
                 "%22cpu_load%22%3A7%7D&token=x"),
          Report("data=%257B%2522serial%2522%253A%2522HG709X1Y2Z8%2522%252C%2522cpu_load%2522%"
                 "253A7%257D"),
          Report(R"("{\"serial\":\"HG709X1Y2Z8\",\"cpu_load\":7}")", BodyHint::json),
          Report("", BodyHint::unknown, "data=" + json), Report("", BodyHint::query, json),
          Report("", BodyHint::query,
                 "%7B%22serial%22%3A%22HG709X1Y2Z8%22%2C%22cpu_load%22%3A7%7D"),
          Report("", BodyHint::unknown,
                 "a=b&data=%7B%22serial%22%3A%22HG709X1Y2Z8%22%2C%22cpu_load%22%3A7%7D")}) {
        BOOST_TEST(report.outcome() == "ok");
        BOOST_TEST(report[Column::serial_number] == "HG709X1Y2Z8");
        BOOST_TEST(report[Column::cpu_load] == "7");
    }
}

BOOST_AUTO_TEST_CASE(a_list_that_was_cut_at_4096_bytes_loses_its_last_value) {
    std::string body = "cpu-load=7;pad=";
    body += std::string(4096 - body.size() - 12, 'x') + ";uptime=1w2d";
    BOOST_TEST_REQUIRE(body.size() == 4096);
    const Report cut(body);
    BOOST_TEST(cut[Column::cpu_load] == "7");
    BOOST_TEST(cut[Column::uptime_s] == "NULL");
    BOOST_TEST(cut.warnings() == "list_truncated");
    BOOST_TEST(Report(body + "3h")[Column::uptime_s] == "788400");
}

BOOST_AUTO_TEST_SUITE_END()
