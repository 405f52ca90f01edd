// Certificates: a certificate authority for tests and the certificates that it signs, made by the
// openssl program in a temporary directory.
#pragma once

#include <string>

#include "config/settings.h"
#include "tests/support/temporary_directory.h"

namespace rollcall {

class Certificates {
public:
    enum class Kind { ecdsa, rsa };
    struct Files {
        std::string certificate;
        std::string key;
    };

    // `name` is the name of the authority, and the prefix of its files.
    explicit Certificates(const std::string& name = "authority");

    // Issues a certificate for servers on 127.0.0.1 and localhost, and for clients whose common
    // name is `name`. `name` has the syntax of openssl's option -subj, for example "HX1", or
    // "a/CN=b" for two names. With 0 days the certificate has already expired. `days` must not be
    // negative: OpenSSL 3.5 does not create a certificate that ends before it begins.
    [[nodiscard]] Files issue(const std::string& name, Kind kind = Kind::ecdsa, int days = 2) const;

    [[nodiscard]] const Files& authority() const { return authority_; }
    [[nodiscard]] std::string path(const std::string& name) const {
        return directory_.path() / name;
    }

private:
    TemporaryDirectory directory_;
    Files authority_;
};

inline void use_certificate(Settings& settings, const Certificates::Files& files) {
    settings.tls.certificate = {files.certificate};
    settings.tls.key = {files.key};
}

}  // namespace rollcall
