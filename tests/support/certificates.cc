#include "tests/support/certificates.h"

#include <stdexcept>
#include <vector>

#include "tests/support/process.h"

namespace rollcall {

namespace {

void openssl(std::vector<std::string> command) {
    command.insert(command.begin(), "openssl");
    const auto made = run(command);
    if (made.status != 0) throw std::runtime_error("openssl: " + made.errors);
}

std::vector<std::string> new_key(Certificates::Kind kind) {
    if (kind == Certificates::Kind::rsa) return {"-newkey", "rsa:2048"};
    return {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"};
}

}  // namespace

Certificates::Certificates(const std::string& name)
    : authority_{path("authority.crt"), path("authority.key")} {
    std::vector<std::string> command{"req",
                                     "-x509",
                                     "-nodes",
                                     "-days",
                                     "2",
                                     "-subj",
                                     "/CN=" + name,
                                     "-keyout",
                                     authority_.key,
                                     "-out",
                                     authority_.certificate};
    for (const auto& word : new_key(Kind::ecdsa)) command.push_back(word);
    openssl(command);
}

Certificates::Files Certificates::issue(const std::string& name, Kind kind, int days) const {
    static int number = 0;
    const std::string stem = path(std::to_string(++number));
    Files files{stem + ".crt", stem + ".key"};
    std::vector<std::string> command{"req",     "-nodes",
                                     "-subj",   "/CN=" + name,
                                     "-keyout", files.key,
                                     "-out",    stem + ".req",
                                     "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"};
    for (const auto& word : new_key(kind)) command.push_back(word);
    openssl(command);
    openssl({"x509", "-req", "-in", stem + ".req", "-CA", authority_.certificate, "-CAkey",
             authority_.key, "-CAcreateserial", "-days", std::to_string(days), "-copy_extensions",
             "copy", "-out", files.certificate});
    return files;
}

}  // namespace rollcall
