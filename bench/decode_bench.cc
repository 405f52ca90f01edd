// Measures how long it takes on one core to decode the body of a check-in and commit its row.

#include <simdjson.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "bench/bench.h"
#include "pipeline/decode/decode.h"

namespace rollcall {

namespace {

constexpr std::string_view json_body =
    R"~({"identity":"JHB-Sandton-7","serial_number":"D4420F1A2B3C","model":"RB3011UiAS-RM",)~"
    R"~("board_name":"RB3011UiAS","architecture_name":"arm","version":"7.17 (stable)",)~"
    R"~("current_firmware":"7.17","uptime":"6d23h19m23s","cpu_count":2,"cpu_load":3,)~"
    R"~("cpu_frequency":1400,"total_memory":1073741824,"free_memory":973053952,)~"
    R"~("total_hdd_space":134217728,"free_hdd_space":92110848,"bad_blocks":"0.2",)~"
    R"~("temperature":41,"cpu_temperature":52,"voltage":"24.1","power_consumption":50.8,)~"
    R"~("wan_ip":"100.72.14.9","dhcp_leases":23,"seq":4711,"time":"2026-10-09 10:00:00",)~"
    R"~("software_id":"TJI1-CDCL"})~";

// A report with only 20 keys, all of them known, but with longer values than json_body.
constexpr std::string_view json_20_body =
    R"~({"identity":"ZA-JHB-Sandton-City-Office-Tower-North-Floor-7-Rack-2-Uplink-East-Fibre","serial_number":)~"
    R"~("D4420F1A2B3C","model":"RB3011UiAS-RM","board_name":"RB3011UiAS-RM (revision 3)",)~"
    R"~("architecture_name":"arm","routeros_version":"7.17 (stable)","current_firmware":"7.17",)~"
    R"~("uptime":"26w6d23h19m23s","cpu_count":2,"cpu_usage_percent":3,"cpu_frequency":1400,)~"
    R"~("total_memory":1073741824,"free_memory":973053952,"total_hdd_space":134217728,)~"
    R"~("free_hdd_space":92110848,"temperature":41,"cpu_temperature":52,"voltage":"24.1",)~"
    R"~("public_ip":"198.51.100.147","dhcp_leases_count":2311})~";

// A report in the form of RouterOS' menus. The interfaces and some other members go to `extra`.
constexpr std::string_view nested_body =
    R"~({"identity":"JHB-Sandton-7-North-Tower-Rack2","resource":{"uptime":"6d23h19m23s","version":"7.17 (stable)",)~"
    R"~("cpu-load":3,"cpu-count":2,"free-memory":973053952,"total-memory":1073741824,)~"
    R"~("free-hdd-space":92110848,"total-hdd-space":134217728,"architecture-name":"arm"},)~"
    R"~("routerboard":{"model":"RB3011UiAS-RM","serial-number":"D4420F1A2B3C",)~"
    R"~("current-firmware":"7.17"},"health":[{"name":"voltage","value":24.1},)~"
    R"~({"name":"cpu-temperature","value":52}],"interfaces":[{"name":"ether1","running":true,)~"
    R"~("rx-byte":1844674407,"tx-byte":99311},{"name":"ether2","running":false,"rx-byte":0,)~"
    R"~("tx-byte":0}],"software-id":"TJI1-CDCL"})~";

constexpr std::string_view list_body =
    "name=CPT-Claremont-01;serial-number=HFB098M0M2P;architecture-name=arm;routerboard=true;"
    "platform=MikroTik;model=RB4011iGS+;board-name=RB4011iGS+;revision=;cpu=ARM 32-bit;cpu-count=4;"
    "cpu-frequency=1400;cpu-load=5;total-memory=1073741824;free-memory=900145152;"
    "total-hdd-space=536870912;free-hdd-space=471859200;software-id=U0B1-15HF;"
    "build-time=Dec/15/2023 10:00:00;level=6;version=7.12.1;factory-software=7.1;"
    "factory-firmware=7.1;current-firmware=7.12.1;upgrade-firmware=7.12.1;firmware-type=al2;"
    "uptime=1d10h30m15s";

// Stores every report of a body, as the intake does. take() returns a number that depends on the
// stored rows.
class Store {
public:
    uint64_t take(Decoder& decoder, std::string_view body) {
        uint64_t proof = 0;
        ensure(decoder.open({.body = body}).has_value());
        while (decoder.upcoming() == Upcoming::report) {
            if (!rows_.room()) rows_.clear();
            fields_.begin(rows_);
            ensure(decoder.read(fields_).has_value());
            proof += fields_.finish().size();
            rows_.commit_row();
            proof += static_cast<uint64_t>(rows_.integer(rows_.rows() - 1, Column::mem_free));
        }
        return proof;
    }

private:
    Fields fields_;
    Columns rows_{1024, 1 << 20};
};

// A text followed by the readable padding that a connection provides.
struct Padded {
    explicit Padded(std::string_view text) : bytes(text) {
        bytes.resize(text.size() + body_padding);
        view = {bytes.data(), text.size()};
    }
    std::string bytes;
    std::string_view view;
};

void decode_bench(std::string_view name, std::string_view body, size_t reports = 1) {
    const Padded sent(body);
    Decoder decoder(1 << 20, 1000);
    Store store;
    uint64_t proof = 0;
    bench(name, 1'000'000, [&](size_t items) {
        for (size_t item = 0; item < items; item += reports)
            proof += store.take(decoder, sent.view);
        return proof;
    });
}

// Measures reports with `count` unknown members in addition to the 25 of json_body. No unknown name
// occurs in two bodies.
void unknown_keys_bench(size_t count, size_t bodies_count) {
    const auto name = fmt::format("decode json, {} unknown of {}", count, count * bodies_count);
    if (!is_selected(name)) return;
    std::vector<Padded> bodies;
    for (size_t body = 0; body < bodies_count; ++body) {
        std::string text(json_body.substr(0, json_body.size() - 1));
        for (size_t member = 0; member < count; ++member)
            text += fmt::format(R"(,"vendor_field_{}":"a {}")", body * count + member, member);
        bodies.emplace_back(text + "}");
    }
    Decoder decoder(1 << 20, 1000);
    Store store;
    uint64_t proof = 0;
    size_t next = 0;
    bench(name, 100'000, [&](size_t items) {
        for (size_t item = 0; item < items; ++item, ++next)
            proof += store.take(decoder, bodies[next % bodies.size()].view);
        return proof;
    });
}

// Compares the decoder with simdjson's DOM parser. The DOM parser only parses the text; its values
// are not used. `reports` is the number of reports in the body.
void compare_with_dom(std::string_view name, std::string_view body, size_t reports = 1) {
    const Padded sent(body);
    Decoder decoder(1 << 20, 1000);
    Store store;
    simdjson::dom::parser parser;
    const auto decode = [&](size_t items) {
        uint64_t proof = 0;
        for (size_t item = 0; item < items; item += reports)
            proof += store.take(decoder, sent.view);
        return proof;
    };
    const auto parse = [&](size_t items) {
        uint64_t proof = 0;
        for (size_t item = 0; item < items; item += reports) {
            simdjson::dom::element root;
            ensure(parser.parse(sent.view.data(), sent.view.size(), false).get(root) ==
                   simdjson::SUCCESS);
            proof += root.is_object();
        }
        return proof;
    };
    compare(name, 500'000, decode, "simdjson dom", parse);
}

std::string array_of(std::string_view report, size_t count) {
    std::string array = "[";
    for (size_t i = 0; i < count; ++i) array.append(report).append(i + 1 < count ? "," : "]");
    return array;
}

}  // namespace

}  // namespace rollcall

int main() {
    using namespace rollcall;
    compare_with_dom(fmt::format("flat, {} bytes", json_body.size()), json_body);
    compare_with_dom(fmt::format("flat, {} bytes", json_20_body.size()), json_20_body);
    compare_with_dom(fmt::format("nested, {} bytes", nested_body.size()), nested_body);
    compare_with_dom("flat, one of an array of 100", array_of(json_body, 100), 100);
    compare_with_dom("nested, one of an array of 100", array_of(nested_body, 100), 100);
    decode_bench(fmt::format("decode json, {} bytes", json_body.size()), json_body);
    decode_bench(fmt::format("decode json, {} bytes", json_20_body.size()), json_20_body);
    decode_bench(fmt::format("decode json, nested, {} bytes", nested_body.size()), nested_body);
    decode_bench(fmt::format("decode list, {} bytes", list_body.size()), list_body);
    decode_bench("decode json, one of an array of 100", array_of(json_body, 100), 100);
    decode_bench("decode nested, one of an array of 100", array_of(nested_body, 100), 100);
    for (const size_t count : {1, 5, 25}) {
        unknown_keys_bench(count, 1);
        unknown_keys_bench(count, 20'000 / count);
    }
}
