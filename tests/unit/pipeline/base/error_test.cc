// Error: its messages for operators, and its cost.
#include "pipeline/base/error.h"

#include <boost/test/unit_test.hpp>

#include <cerrno>

using namespace rollcall;

BOOST_AUTO_TEST_SUITE(base_error)

BOOST_AUTO_TEST_CASE(an_error_without_explanation_reads_as_its_code) {
    const Error error = fail(Code::disk_full).error();
    BOOST_TEST((error.explanation == nullptr));
    BOOST_TEST(describe(error) == info(Code::disk_full).help);
}

BOOST_AUTO_TEST_CASE(an_errno_is_described_after_the_sentence) {
    BOOST_TEST(describe(fail(Code::unreadable_file, ENOENT, "/no/file").error()) ==
               "/no/file: No such file or directory");
    BOOST_TEST(describe(fail(Code::disk_full, ENOSPC).error()) ==
               std::string(info(Code::disk_full).help) + " (No space left on device)");
}

BOOST_AUTO_TEST_CASE(an_explanation_replaces_the_help_text) {
    const Error error = fail(Code::sink_down, "127.0.0.1:3306: access denied").error();
    BOOST_TEST((error.code == Code::sink_down));
    BOOST_TEST((error.action() == Action::retry));
    BOOST_TEST(describe(error) == "127.0.0.1:3306: access denied");
}

BOOST_AUTO_TEST_CASE(context_comes_first_and_keeps_code_and_errno) {
    const Error error =
        in_context("kafka.password_file", fail(Code::unreadable_file, EACCES, "/secret").error());
    BOOST_TEST((error.code == Code::unreadable_file));
    BOOST_TEST(error.os_errno == EACCES);
    BOOST_TEST(describe(error) == "kafka.password_file: /secret: Permission denied");
    BOOST_TEST(describe(in_context("/var/lib/rollcall/spool", {Code::spool_damaged})) ==
               "/var/lib/rollcall/spool: " + std::string(info(Code::spool_damaged).help));
}

BOOST_AUTO_TEST_CASE(a_copy_shares_the_explanation) {
    const Error error = fail(Code::sink_down, "no broker answers").error();
    const Error copy = error;  // NOLINT(performance-unnecessary-copy-initialization)
    BOOST_TEST((copy.explanation == error.explanation));
}

BOOST_AUTO_TEST_SUITE_END()
