// Reads arbitrary text as a value of every kind. A number that was read must be the same after it
// is formatted and read again. Every view that is returned must lie inside the text.
#include "pipeline/decode/routeros.h"

#include <fmt/core.h>

#include "pipeline/base/error.h"

namespace {

using namespace rollcall;

bool lies_in(std::string_view text, std::string_view part) {
    return part.empty() ||
           (part.data() >= text.data() && part.data() + part.size() <= text.data() + text.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto seconds = routeros::duration(text)) {
        ensure(*seconds >= 0);
        ensure(routeros::duration(fmt::format("{}", *seconds)) == seconds);
    }
    if (const auto bytes = routeros::bytes(text))
        ensure(routeros::bytes(fmt::format("{}", *bytes)) == bytes);
    if (const auto count = routeros::count(text)) ensure(routeros::bytes(text) == count);
    if (const auto megahertz = routeros::frequency(text))
        ensure(routeros::count(fmt::format("{}", *megahertz)) == megahertz);
    if (const auto percent = routeros::percent(text))
        ensure(routeros::percent(fmt::format("{}%", *percent)) == percent);
    if (const auto number = routeros::decimal(text))
        ensure(routeros::decimal(fmt::format("{} V", *number)) == number);
    if (const auto decibels = routeros::signal(text))
        ensure(routeros::signal(fmt::format("{}dBm@6Mbps", *decibels)) == decibels);
    if (const auto version = routeros::version(text)) {
        ensure(lies_in(text, version->number) && lies_in(text, version->channel));
        ensure(routeros::version(version->number)->number == version->number);
    }
    if (const auto address = routeros::address(text))
        ensure(lies_in(text, *address) && routeros::address(*address) == address);
    // A plain number of this size is read as microseconds.
    if (const auto micros = routeros::clock(text); micros && *micros >= 100'000'000'000'000)
        ensure(routeros::clock(fmt::format("{}", *micros)) == micros);
    return 0;
}
