#include "pipeline/spool/damage_copier.h"

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <numeric>

#include "tests/support/memory_files.h"

namespace rollcall {

namespace {

struct CopierFixture {
    CopierFixture() {
        make("spool/a", 1 << 20);
        make("spool/b", 1000);
    }

    // Creates a file in which each group of 8 bytes holds its own offset plus the size of the file.
    void make(const std::string& path, size_t bytes) {
        std::vector<uint64_t> numbers(bytes / sizeof(uint64_t));
        for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = 8 * i + bytes;
        const auto file = files.open(path, Files::Open::create);
        if (!(*file)->write(0, std::as_bytes(std::span(numbers))))
            throw std::runtime_error("write");
    }

    [[nodiscard]] std::vector<std::byte> bytes_of(const std::string& path, uint64_t offset,
                                                  size_t bytes) {
        std::vector<std::byte> read(bytes);
        const auto file = files.open(path, Files::Open::existing_read_only);
        if ((*file)->read(offset, read).value_or(0) != bytes) throw std::runtime_error("read");
        return read;
    }

    MemoryFiles files;
    std::unique_ptr<File> to = std::move(*files.open("spool/kept", Files::Open::create));
    DamageCopier copier{files, "spool", *to, 24};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(spool_damage_copier, CopierFixture)

BOOST_AUTO_TEST_CASE(copies_follow_each_other_from_whatever_segment_and_offset) {
    struct Part {
        std::string segment;
        uint64_t offset;
        uint64_t bytes;
    };
    // Some parts are near the previous part in the list. Others are far from it, have a smaller
    // offset, or are in another segment. One part is larger than a read.
    const std::vector<Part> parts = {{"a", 0, 16},        {"a", 24, 400},   {"a", 65'000, 1'000},
                                     {"b", 8, 16},        {"a", 24, 400},   {"a", 900'000, 8},
                                     {"a", 100, 600'000}, {"a", 99'999, 1}, {"b", 992, 8}};
    for (const Part& part : parts)
        BOOST_TEST(copier.copy(part.segment, part.offset, part.bytes).value() == part.bytes);
    BOOST_TEST(copier.flush().has_value());
    uint64_t at = 24;
    for (const Part& part : parts) {
        BOOST_TEST((bytes_of("spool/kept", at, part.bytes) ==
                    bytes_of("spool/" + part.segment, part.offset, part.bytes)));
        at += part.bytes;
    }
    BOOST_TEST(copier.written_to() == at);
    BOOST_TEST(files.size("spool/kept") == at);
}

BOOST_AUTO_TEST_CASE(copy_ends_with_its_segment) {
    BOOST_TEST(copier.copy("b", 900, UINT64_MAX - 900).value() == 100);
    BOOST_TEST(copier.copy("b", 2'000, 50).value() == 0);
    BOOST_TEST(copier.flush().has_value());
    BOOST_TEST(files.size("spool/kept") == 24 + 100);
}

BOOST_AUTO_TEST_CASE(segment_that_is_missing_stops_only_its_own_copy) {
    BOOST_TEST(!copier.copy("c", 0, 8).has_value());
    BOOST_TEST(copier.copy("b", 0, 8).value() == 8);
    BOOST_TEST(!copier.copy("c", 0, 8).has_value());
    BOOST_TEST(copier.copy("b", 8, 8).value() == 8);
    BOOST_TEST(copier.flush().has_value());
    BOOST_TEST((bytes_of("spool/kept", 24, 16) == bytes_of("spool/b", 0, 16)));
}

BOOST_AUTO_TEST_CASE(after_a_failed_write_nothing_more_is_written) {
    BOOST_TEST(copier.copy("b", 0, 8).value() == 8);
    BOOST_TEST(copier.flush().has_value());
    files.capacity = files.used();
    BOOST_TEST(copier.copy("b", 8, 8).value() == 8);
    BOOST_TEST((copier.flush().error().code == Code::disk_full));
    files.capacity = UINT64_MAX;
    BOOST_TEST((copier.copy("b", 16, 8).error().code == Code::disk_full));
    BOOST_TEST((copier.flush().error().code == Code::disk_full));
    BOOST_TEST(copier.written_to() == 24 + 8);
    BOOST_TEST(files.size("spool/kept") == 24 + 8);
}

// If each copy made its own system calls, a million damaged records would take four million calls.
BOOST_AUTO_TEST_CASE(copies_that_lie_close_together_share_reads_and_writes) {
    size_t operations = 0;
    files.before = [&](MemoryFiles::Operation, const std::string&) -> Result<void> {
        ++operations;
        return {};
    };
    for (uint64_t at = 0; at < 1 << 20; at += 1024)
        BOOST_TEST_REQUIRE(copier.copy("a", at, 512).value() == 512);
    BOOST_TEST(copier.flush().has_value());
    // One open, 16 reads of 64 KiB, and 2 writes of 256 KiB.
    BOOST_TEST(operations <= 1 + 17 + 3);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
