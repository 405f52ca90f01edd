#include "pipeline/base/hash.h"

#include <highwayhash/c_bindings.h>
#include <sys/random.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>

namespace rollcall {

namespace {

// Returns a random key. getrandom(2) waits until the kernel has enough randomness. For so few
// bytes, it never returns fewer than requested.
KeyedHash::Key random_key() {
    KeyedHash::Key key;
    ssize_t count = 0;
    do count = getrandom(key.data(), sizeof key, 0);
    while (count < 0 && errno == EINTR);
    ensure(count == sizeof key);
    return key;
}

}  // namespace

uint64_t KeyedHash::operator()(std::string_view bytes) const {
    return HighwayHash64(key_.data(), bytes.data(), bytes.size());
}

uint64_t process_hash(std::string_view bytes) {
    static const KeyedHash hash(random_key());
    return std::max<uint64_t>(hash(bytes), 1);
}

uint64_t stable_hash(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

}  // namespace rollcall
