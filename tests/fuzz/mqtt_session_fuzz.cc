// Sends the bytes of two MQTT clients through a worker. When a message is acknowledged, it must be
// on disk or refused. Each packet of the server must be whole. The first byte of the fuzzer's input
// is a seed: it determines how the rest of the input is split into reads. In the rest, \xff\xfe
// switches to the other client, so that sessions are taken over; \xff\xfd makes the client
// disconnect and connect again.
#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <string>

#include "pipeline/base/log.h"
#include "tests/fuzz/splitter.h"
#include "tests/fuzz/stepped_worker.h"

namespace {

using namespace rollcall;

// Messages that the server has acknowledged: by PUBACK, or by the first PUBREC of a packet id.
struct Acknowledged {
    size_t pubacks = 0;
    std::set<int> pubrecs;  // Packet ids of both clients; a repeated PUBREC counts once.
    [[nodiscard]] size_t size() const { return pubacks + pubrecs.size(); }
};

void count(std::string_view output, Acknowledged& result) {
    while (!output.empty()) {
        ensure(output.size() >= 2);
        const auto byte = [&](size_t at) { return static_cast<uint8_t>(output[at]); };
        size_t length = byte(1) & 0x7f;
        size_t header = 2;
        if (byte(1) & 0x80) {
            ensure(output.size() >= 3 && byte(2) < 0x80);
            length += size_t{byte(2)} << 7;
            header = 3;
        }
        ensure(output.size() >= header + length);
        const int type = byte(0) >> 4;
        const bool failed = length > 2 && byte(header + 2) >= 0x80;
        switch (type) {
            case 2: ensure(length >= 2); break;               // CONNACK
            case 4: result.pubacks += failed ? 0 : 1; break;  // PUBACK
            case 5:                                           // PUBREC
                ensure(length >= 2);
                if (!failed) result.pubrecs.insert(byte(header) * 256 + byte(header + 1));
                break;
            default:  // PUBREL, PUBCOMP, SUBACK, UNSUBACK, PINGRESP, DISCONNECT
                ensure(type == 6 || type == 7 || type == 9 || type == 11 || type == 13 ||
                       type == 14);
        }
        output.remove_prefix(header + length);
    }
}

class Run {
public:
    Run(const Settings& settings, std::string_view bytes, uint64_t seed)
        : worker_(settings, Transport::mqtt), splitter_(seed) {
        // An empty list is acknowledged without a row. There are at most as many lists as brackets.
        lists_ = static_cast<size_t>(std::ranges::count(bytes, '['));
        for (auto& client : clients_) client = std::make_unique<SteppedWorker::Client>(worker_);
        size_t which = 0;
        while (!bytes.empty()) {
            const size_t mark = bytes.find('\xff');
            std::string_view input = bytes.substr(0, mark);
            while (!input.empty()) {
                clients_[which]->send(splitter_.take(input));
                if (splitter_.below(4) == 0) worker_.commit();
                check();
            }
            bytes.remove_prefix(std::min(mark, bytes.size()));
            if (bytes.starts_with("\xff\xfe")) {
                which = 1 - which;
                bytes.remove_prefix(2);
            } else if (bytes.starts_with("\xff\xfd")) {
                reconnect(which);
                bytes.remove_prefix(2);
            } else if (!bytes.empty()) {
                clients_[which]->send(bytes.substr(0, 1));
                bytes.remove_prefix(1);
            }
        }
        worker_.commit_all();
        check();
        for (auto& client : clients_) client.reset();
        worker_.commit_all();
    }

private:
    void reconnect(size_t which) {
        count(clients_[which]->received(), before_);
        clients_[which] = nullptr;
        clients_[which] = std::make_unique<SteppedWorker::Client>(worker_);
    }

    void check() {
        Acknowledged acknowledged = before_;
        for (auto& client : clients_) count(client->received(), acknowledged);
        ensure(acknowledged.size() <=
               worker_.reports() + worker_.refused(Transport::mqtt) + lists_);
    }

    SteppedWorker worker_;
    Splitter splitter_;
    std::array<std::unique_ptr<SteppedWorker::Client>, 2> clients_;
    size_t lists_ = 0;
    Acknowledged before_;  // Counts the messages of closed connections.
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0 || size > 20'000) return 0;
    static const Settings settings = fuzz_settings();
    set_log_level("error");
    const Run run(settings, {reinterpret_cast<const char*>(data) + 1, size - 1}, data[0]);
    return 0;
}
