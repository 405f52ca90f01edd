// Sends the bytes of an HTTP client through a worker. The worker must never acknowledge more
// reports than are on disk. The responses must not depend on how the bytes are split or when a sync
// ends. The first byte seeds the splitting; the client sends the rest.
#include <algorithm>
#include <charconv>
#include <string>

#include "pipeline/base/log.h"
#include "tests/fuzz/splitter.h"
#include "tests/fuzz/stepped_worker.h"

namespace {

using namespace rollcall;

struct Answers {
    std::string text;     // All responses, without digits, because intervals and ages may differ.
    size_t accepted = 0;  // Number of requests whose reports were accepted.
};

uint64_t number_after(std::string_view text, std::string_view name) {
    const size_t at = text.find(name);
    uint64_t number = 0;
    if (at != text.npos)
        std::from_chars(text.data() + at + name.size(), text.data() + text.size(), number);
    return number;
}

// Parses the responses, each of which must be complete and readable by routers. Responses to HEAD
// have no body, whatever length they announce (RFC 9110, section 9.3.2).
Answers read(std::string_view received, bool to_head) {
    Answers answers;
    while (!received.empty()) {
        const size_t head_bytes = received.find("\r\n\r\n");
        ensure(head_bytes != received.npos);
        const std::string_view head = received.substr(0, head_bytes);
        received.remove_prefix(head_bytes + 4);
        ensure(head.starts_with("HTTP/1.1 "));
        const uint64_t status = number_after(head, "HTTP/1.1 ");
        if (status == 100) {
            answers.text += "100 ";
            continue;
        }
        ensure(status >= 200 && status < 600);
        const uint64_t length = number_after(head, "\r\nContent-Length: ");
        const bool bodiless = to_head && (received.empty() || received.starts_with("HTTP/1.1 "));
        ensure(bodiless || length <= received.size());
        const std::string_view body = received.substr(0, bodiless ? 0 : length);
        received.remove_prefix(body.size());
        answers.text.append(std::to_string(status));
        for (const char c : body)
            if (c < '0' || c > '9') answers.text += c;
        // If all reports of a list were refused, the response says "accepted":0.
        if (status == 200 && body.find(R"("accepted":0)") == body.npos) ++answers.accepted;
    }
    return answers;
}

// Returns the number of brackets, which is an upper bound of the number of lists. Each list may be
// empty, and an empty list is accepted without a row.
size_t lists_in(std::string_view bytes) {
    return static_cast<size_t>(std::ranges::count(bytes, '['));
}

bool asks_by_head(std::string_view bytes) { return bytes.find("HEAD ") != bytes.npos; }

Answers whole(const Settings& settings, std::string_view bytes) {
    const bool to_head = asks_by_head(bytes);
    SteppedWorker worker(settings, Transport::http);
    SteppedWorker::Client client(worker);
    client.send(bytes);
    ensure(read(client.received(), to_head).accepted <= lists_in(bytes));
    worker.commit_all();
    const Answers answers = read(client.received(), to_head);
    ensure(answers.accepted <= worker.reports() + lists_in(bytes));
    return answers;
}

Answers in_pieces(const Settings& settings, std::string_view bytes, uint64_t seed) {
    SteppedWorker worker(settings, Transport::http);
    SteppedWorker::Client client(worker);
    Splitter splitter(seed);
    const size_t lists = lists_in(bytes);
    const bool to_head = asks_by_head(bytes);
    while (!bytes.empty()) {
        client.send(splitter.take(bytes));
        if (splitter.below(3) == 0) worker.commit();
        ensure(read(client.received(), to_head).accepted <= worker.reports() + lists);
    }
    if (splitter.below(2) == 0) client.end_sending();
    worker.commit_all();
    const Answers answers = read(client.received(), to_head);
    ensure(answers.accepted <= worker.reports() + lists);
    return answers;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0 || size > 50'000) return 0;
    static const Settings settings = fuzz_settings();
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    set_log_level("error");
    const Answers once = whole(settings, bytes);
    const Answers again = in_pieces(settings, bytes, data[0]);
    ensure(once.text == again.text);
    ensure(once.accepted == again.accepted);
    return 0;
}
