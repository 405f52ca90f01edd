#include "pipeline/base/checksum.h"

#include <isa-l/crc.h>

#include <algorithm>

namespace rollcall {

uint32_t checksum_add(uint32_t running, std::span<const std::byte> bytes) {
    // The library takes the length as an int, so pass long data in chunks. It takes a pointer to
    // non-const, but only reads.
    constexpr size_t chunk = size_t{1} << 30;
    while (!bytes.empty()) {
        const auto now = bytes.first(std::min(bytes.size(), chunk));
        auto* data = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(now.data()));
        running = crc32_iscsi(data, static_cast<int>(now.size()), running);
        bytes = bytes.subspan(now.size());
    }
    return running;
}

}  // namespace rollcall
