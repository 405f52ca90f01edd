#include "daemon/cli/reference.h"

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>

#include "config/metrics.h"
#include "config/settings.h"

namespace rollcall {

namespace {

std::string document(const std::string& name) {
    std::ifstream file(ROLLCALL_SOURCE_DIR "/docs/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cli_reference)

BOOST_AUTO_TEST_CASE(documents_are_what_the_tables_say) {
    BOOST_TEST((document("configuration.md") == settings_reference()),
               "write it again: rollcalld reference settings > docs/configuration.md");
    BOOST_TEST((document("metrics.md") == metrics_reference()),
               "write it again: rollcalld reference metrics > docs/metrics.md");
    BOOST_TEST((document("messages.md") == messages_reference()),
               "write it again: rollcalld reference messages > docs/messages.md");
}

BOOST_AUTO_TEST_CASE(every_row_of_a_table_has_as_many_cells_as_its_head) {
    for (const std::string& text :
         {settings_reference(), metrics_reference(), messages_reference()}) {
        size_t cells = 0;
        for (size_t at = 0; at < text.size();) {
            const size_t end = text.find('\n', at);
            const std::string_view line(text.data() + at, end - at);
            at = end + 1;
            if (!line.starts_with("| ")) {
                if (!line.starts_with("|--")) cells = 0;
                continue;
            }
            size_t found = 0;
            for (size_t i = 0; i < line.size(); ++i)
                found += line[i] == '|' && (i == 0 || line[i - 1] != '\\');
            if (cells == 0) cells = found;
            BOOST_TEST(found == cells, line);
        }
    }
}

BOOST_AUTO_TEST_CASE(all_settings_and_metrics_are_named) {
    const std::string settings = settings_reference();
    const Settings defaults;
    for_each_setting(defaults, [&](const SettingInfo& setting, const auto&, const auto&) {
        BOOST_TEST(settings.find("| `" + std::string(setting.key) + "` |") != std::string::npos);
    });
    const std::string metrics = metrics_reference();
    for (const MetricInfo& metric : metrics_table)
        BOOST_TEST(metrics.find("`rollcall_" + std::string(metric.name) + "`") !=
                   std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
