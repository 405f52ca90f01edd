// The statements of tests/conformance/http.tsv, and example bytes for each of them.
#pragma once

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "pipeline/base/ascii.h"

namespace rollcall {

struct HttpStatement {
    std::string section;
    std::string refused;   // The code of the refusal; empty if no request is refused.
    std::string requests;  // The requests that the parser reads; empty if one is refused.
    std::string bytes;
    std::string words;
};

inline std::string without_escapes(std::string_view text) {
    std::string bytes;
    for (size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '\\') {
            bytes += text[at];
            continue;
        }
        switch (text[++at]) {
            case 'r': bytes += '\r'; break;
            case 'n': bytes += '\n'; break;
            case 't': bytes += '\t'; break;
            case '\\': bytes += '\\'; break;
            case 'x':
                bytes +=
                    static_cast<char>(hex_digit(text.at(at + 1)) * 16 + hex_digit(text.at(at + 2)));
                at += 2;
                break;
            default: throw std::runtime_error("unknown escape");
        }
    }
    return bytes;
}

inline std::vector<HttpStatement> http_statements() {
    std::vector<HttpStatement> all;
    std::ifstream file(ROLLCALL_SOURCE_DIR "/tests/conformance/http.tsv");
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with('#')) continue;
        HttpStatement statement;
        std::string outcome;
        std::string escaped;
        std::istringstream columns(line);
        std::getline(columns, statement.section, '\t');
        std::getline(columns, outcome, '\t');
        std::getline(columns, escaped, '\t');
        std::getline(columns, statement.words, '\t');
        if (statement.words.empty()) throw std::runtime_error("a column is missing: " + line);
        statement.bytes = without_escapes(escaped);
        (outcome.starts_with("= ") ? statement.requests : statement.refused) =
            outcome.starts_with("= ") ? without_escapes(outcome.substr(2)) : outcome;
        all.push_back(std::move(statement));
    }
    if (all.size() < 200) throw std::runtime_error("the table of statements is not whole");
    return all;
}

}  // namespace rollcall
