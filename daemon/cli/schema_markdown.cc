#include "daemon/cli/schema_markdown.h"

#include <fmt/core.h>

#include <algorithm>
#include <span>
#include <string_view>

#include "pipeline/columns/columns.h"

namespace rollcall {

namespace {

constexpr std::string_view head =
    "<!-- From pipeline/columns/columns.def; written by\n"
    "     build/release/rollcalld schema show > config/routeros/fields.md -->\n"
    "\n"
    "# Fields of a check-in\n"
    "\n"
    "Every column of `site_checkins`, and the names that a report may use for it. Case does not\n"
    "count, nor do `-`, `_`, `.`, `:` and spaces: `cpu-count`, `cpuCount` and `CPU Count` are one\n"
    "name. `ram.total` is also the member `total` of an object `ram`. Of several names in one\n"
    "report the first in the list wins. Names with common prefixes, suffixes and units, such as\n"
    "`deviceUptime` and `mem_free_mb`, count as well. All other fields are kept as JSON in the\n"
    "column `extra`, except secrets and identifiers of SIM cards, which the daemon recognizes by\n"
    "the names of their fields.\n"
    "\n"
    "A time is in UTC; a flag is 0 or 1. Any value may be sent as text.\n"
    "\n"
    "| column | kind | what it is | names in a report |\n"
    "|---|---|---|---|\n";

constexpr std::string_view in_words(Kind kind) {
    switch (kind) {
        case Kind::text: return "text";
        case Kind::integer: return "integer";
        case Kind::real: return "real";
        case Kind::flag: return "flag";
        case Kind::time: return "time";
    }
    return "";
}

// Returns the names of keys from columns.def, without the marks that follow the names there.
std::string names(std::string_view keys) {
    if (keys.empty()) return "set by rollcalld";
    std::string list;
    while (!keys.empty()) {
        const size_t length = std::min(keys.find(' '), keys.size());
        std::string_view word = keys.substr(0, length);
        word = word.substr(0, word.find_last_not_of("?+~,=^%#") + 1);
        list += fmt::format("{}`{}`", list.empty() ? "" : ", ", word);
        keys.remove_prefix(std::min(length + 1, keys.size()));
    }
    return list;
}

}  // namespace

std::string schema_markdown() {
    std::string document(head);
    for (const Column which : std::span(columns_as_shown).first(columns_count)) {
        const ColumnInfo& column = info(which);
        document += fmt::format("| `{}` | {} | {} | {} |\n", column.name, in_words(column.kind),
                                column.help, names(column.keys));
    }
    return document;
}

}  // namespace rollcall
