#include "pipeline/base/checksum.h"

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <string_view>
#include <vector>

using namespace rollcall;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(base_checksum)

// Sources: RFC 3720, appendix B.4, and the check value of the CRC catalogue.
BOOST_AUTO_TEST_CASE(published_examples_have_their_published_checksums) {
    BOOST_TEST(rollcall::checksum(bytes_of("123456789")) == 0xE3069283U);
    std::vector<std::byte> block(32, std::byte{0});
    BOOST_TEST(rollcall::checksum(block) == 0x8A9136AAU);
    block.assign(32, std::byte{0xff});
    BOOST_TEST(rollcall::checksum(block) == 0x62A8AB43U);
    for (size_t i = 0; i < block.size(); ++i) block[i] = static_cast<std::byte>(i);
    BOOST_TEST(rollcall::checksum(block) == 0x46DD794EU);
}

BOOST_AUTO_TEST_CASE(checksum_of_pieces_is_that_of_the_whole) {
    uint32_t running = checksum_start;
    for (const std::string_view piece : {"12", "", "345678", "9"})
        running = checksum_add(running, bytes_of(piece));
    BOOST_TEST(checksum_end(running) == 0xE3069283U);
}

BOOST_AUTO_TEST_SUITE_END()
