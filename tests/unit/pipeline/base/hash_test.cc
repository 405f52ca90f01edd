#include "pipeline/base/hash.h"

#include <boost/test/unit_test.hpp>
#include <set>
#include <string>

namespace rollcall {

namespace {

constexpr KeyedHash::Key key = {0x0706050403020100, 0x0F0E0D0C0B0A0908, 0x1716151413121110,
                                0x1F1E1D1C1B1A1918};
const KeyedHash hash(key);

}  // namespace

BOOST_AUTO_TEST_SUITE(base_hash)

// The first and some later numbers of kExpected64 in the test of HighwayHash's authors,
// highwayhash_test.cc. The inputs are the bytes 0, 1, 2, ... with the given length.
BOOST_AUTO_TEST_CASE(keyed_hash_is_highwayhash) {
    std::string input;
    for (int byte = 0; byte < 4; ++byte) input += static_cast<char>(byte);
    BOOST_TEST(hash("") == 0x907A56DE22C26E53);
    BOOST_TEST(hash(input.substr(0, 1)) == 0x7EAB43AAC7CDDD78);
    BOOST_TEST(hash(input.substr(0, 2)) == 0xB8D0569AB0B53D62);
    BOOST_TEST(hash(input.substr(0, 3)) == 0x5C6BEFAB8A463D80);
}

BOOST_AUTO_TEST_CASE(every_bit_of_the_key_counts) {
    std::set<uint64_t> hashes{hash("router")};
    for (size_t bit = 0; bit < 256; ++bit) {
        KeyedHash::Key other = key;
        other[bit / 64] ^= uint64_t{1} << bit % 64;
        hashes.insert(KeyedHash(other)("router"));
    }
    BOOST_TEST(hashes.size() == 257);
}

BOOST_AUTO_TEST_CASE(process_hash_is_the_same_within_a_process_and_not_predictable) {
    BOOST_TEST(process_hash("router") == process_hash("router"));
    BOOST_TEST(process_hash("router") != process_hash("routes"));
    BOOST_TEST(process_hash("router") != stable_hash("router"));
    BOOST_TEST(process_hash("router") != KeyedHash({})("router"));
}

BOOST_AUTO_TEST_CASE(stable_hash_never_changes) {
    BOOST_TEST(stable_hash("") == 0x2D06800538D394C2);  // XXH3_64bits of no input, seed 0.
}

BOOST_AUTO_TEST_CASE(parts_are_hashed_with_their_lengths) {
    const auto of = [](std::string_view one, std::string_view other) {
        return HashedParts(hash).add(one).add(other).hash();
    };
    BOOST_TEST(of("ab", "c") == of("ab", "c"));
    const std::string longer(65, 'x');
    const uint64_t inner = hash(longer);
    const std::string digest(reinterpret_cast<const char*>(&inner), sizeof inner);
    const std::set<uint64_t> hashes{of("ab", "c"),
                                    of("a", "bc"),
                                    of("abc", ""),
                                    of("", "abc"),
                                    of(longer, "c"),
                                    of("c", longer),
                                    of(longer, longer),
                                    of(digest, "c"),
                                    of("c", digest),
                                    of("", ""),
                                    HashedParts(hash).add("").hash(),
                                    HashedParts(hash).hash()};
    BOOST_TEST(hashes.size() == 12);
    BOOST_TEST(HashedParts(hash).add(uint64_t{1}).hash() !=
               HashedParts(hash).add(uint64_t{2}).hash());
}

BOOST_AUTO_TEST_CASE(longest_list_of_parts_fits) {
    HashedParts parts(hash);
    for (size_t part = 0; part < HashedParts::parts_max; ++part) parts.add(std::string(64, 'x'));
    BOOST_TEST(parts.hash() != 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
