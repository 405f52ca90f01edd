#include "pipeline/decode/identities.h"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace rollcall;

BOOST_AUTO_TEST_SUITE(decode_identities)

BOOST_AUTO_TEST_CASE(placeholders_are_no_identities) {
    for (const std::string_view text : {"unknown",
                                        "Unknown",
                                        "N/A",
                                        "n/a",
                                        "NA",
                                        "none",
                                        "<none>",
                                        "--",
                                        "-",
                                        "null",
                                        "NULL",
                                        "0",
                                        "000000000000",
                                        "$serial",
                                        "${serial}",
                                        "{{serial}}",
                                        "%serial%",
                                        "<serial>",
                                        "[/system routerboard get serial-number]",
                                        "undefined",
                                        "not available",
                                        "Not Found",
                                        "MikroTik",
                                        "RB951Ui-2HnD",
                                        "RB750Gr3",
                                        "CCR1009-7G-1C",
                                        "CRS326-24G-2S+",
                                        "hAP ac",
                                        "hEX",
                                        "CHR",
                                        "x86",
                                        "RouterOS",
                                        "no serial",
                                        ""}) {
        BOOST_TEST(identities::is_placeholder(text), text);
        BOOST_TEST(!identities::is_serial(text), text);
        BOOST_TEST(!identities::is_licence(text), text);
        BOOST_TEST(!identities::is_site(text), text);
    }
}

BOOST_AUTO_TEST_CASE(serial_numbers_are_told_by_their_characters) {
    for (const std::string_view text :
         {"HFB098M0M2P", "8C5A0A1B2C3D", "661705430745", "HEX0912ABCD", "5B0B04A7AB3C/523",
          "hf609byewh9", "AC7C0B1D2E3F/r2"}) {
        BOOST_TEST(identities::is_routerboard_serial(text), text);
        BOOST_TEST(identities::is_serial(text), text);
    }
    for (const std::string_view text : {"HX1", "12345", "VM-0042", "A", "chr_7"}) {
        BOOST_TEST(!identities::is_routerboard_serial(text), text);
        BOOST_TEST(identities::is_serial(text), text);
    }
    for (const std::string& text :
         {std::string("Kwik Shop 2"), std::string("HF609BYEWH9,cpu=7"), std::string("a;b"),
          std::string("48:A9:8A:77:00:02"), std::string(33, '1'), std::string("Кафе")})
        BOOST_TEST(!identities::is_serial(text), text);
}

BOOST_AUTO_TEST_CASE(licence_ids_are_told_by_their_characters) {
    for (const std::string_view text : {"Yx0pCUtpWmF", "RWA7-BHWK", "aB/c+D9="})
        BOOST_TEST(identities::is_licence(text), text);
    for (const std::string_view text : {"two words", "a;b", "none"})
        BOOST_TEST(!identities::is_licence(text), text);
}

BOOST_AUTO_TEST_CASE(a_site_may_have_any_name_that_is_one) {
    for (const std::string_view text : {"pole-7", "RTR-00417", "Кафе №5", "1", "router"})
        BOOST_TEST(identities::is_site(text), text);
    BOOST_TEST(!identities::is_site("a\nb"));
}

BOOST_AUTO_TEST_CASE(a_mac_is_one_identity_in_every_spelling) {
    for (const std::string_view text : {"48:A9:8A:77:00:0F", "48:a9:8a:77:00:0f",
                                        "48-A9-8A-77-00-0F", "48a9.8a77.000f", "48a9-8a77-000f"}) {
        const auto mac = identities::mac(text, false);
        BOOST_REQUIRE_MESSAGE(mac, text);
        BOOST_TEST(mac->view() == "48:A9:8A:77:00:0F", text);
    }
    // Twelve hexadecimal digits can also be a serial number.
    BOOST_TEST(!identities::mac("48A98A77000F", false));
    BOOST_TEST(identities::mac("48A98A77000F", true)->view() == "48:A9:8A:77:00:0F");
    for (const std::string_view text :
         {"", "48:A9:8A:77:00", "48:A9:8A:77:00:0G", "48:A9-8A:77:00:0F", "48:A9:8A:77:00:0F:11",
          "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "::48A98A77000F",
          "48A98A77000F:::::", "4:8A:98:A7:70:00F", "48::A9:8A:77:00F", "12345678-1234-1234"})
        BOOST_TEST(!identities::mac(text, true), text);
}

BOOST_AUTO_TEST_SUITE_END()
