// Fuzzes TlsSession. For arbitrary bytes in pieces of any size, the handshake must succeed, wait
// for more bytes, or fail with a code. After a failure, the session must not encrypt anything.
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <cstdio>
#include <filesystem>

#include "daemon/net/tls_session.h"

namespace {

using namespace rollcall;

// A TlsContext whose files are deleted when the fuzzer ends.
class Server {
public:
    Server() {
        const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"),
                                                                      EVP_PKEY_free);
        const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
        X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
        X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 86'400);
        X509_set_pubkey(certificate.get(), key.get());
        X509_sign(certificate.get(), key.get(), EVP_sha256());
        write("crt", [&](FILE* file) { return PEM_write_X509(file, certificate.get()); });
        write("key", [&](FILE* file) {
            return PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
        });
        settings_.tls.certificate = {path("crt")};
        settings_.tls.key = {path("key")};
        settings_.tls.client_ca = path("crt");
        settings_.tls.cbc_ciphers = true;
        ensure(context_.load().has_value());
    }
    ~Server() {
        for (const char* name : {"crt", "key"}) std::filesystem::remove(path(name));
    }

    [[nodiscard]] TlsContext& context() { return context_; }

private:
    [[nodiscard]] static std::string path(const char* name) {
        return std::filesystem::temp_directory_path() /
               ("rollcall-fuzz-" + std::to_string(getpid()) + "." + name);
    }
    template <class Write>
    static void write(const char* name, const Write& write_to) {
        const std::unique_ptr<FILE, decltype(&fclose)> file(fopen(path(name).c_str(), "we"),
                                                            fclose);
        ensure(file != nullptr && write_to(file.get()) == 1);
    }

    Settings settings_;
    Clock clock_;
    TlsContext context_{settings_, clock_};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static Server server;
    if (size == 0) return 0;
    const size_t piece = 1 + data[0] * size_t{8};
    std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    TlsSession tls(server.context(), Transport::http);
    bool done = false;
    while (!bytes.empty()) {
        std::string_view sealed = bytes.substr(0, piece);
        bytes.remove_prefix(sealed.size());
        while (!done && !sealed.empty()) {
            const auto step = tls.handshake(sealed);
            if (!step) {
                ensure(tls.fault() == step.error().code);
                tls.outgoing().clear();
                tls.encrypt("x");
                ensure(!tls.send_close_notify() && tls.outgoing().empty());
                return 0;
            }
            done = *step;
            ensure(done || sealed.empty());
        }
        std::array<char, 64> plain;
        while (done && tls.decrypt(sealed, plain) > 0) continue;
        if (tls.input_ended()) return 0;
    }
    return 0;
}
