// Credentials: the cost of identifying a client by each kind of token, valid and invalid, and of
// loading a file of a million stored tokens.

#include "daemon/security/credentials.h"

#include <fstream>

#include "bench/bench.h"
#include "daemon/security/base64.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/token_keys.h"

using namespace rollcall;

namespace {

const std::string secret = "0123456789abcdef0123456789abcdef";

std::string stored_token(size_t number) { return fmt::format("token-number-{:032}", number); }

std::string changed(std::string token) {
    char& letter = token[token.size() - 10];
    letter = letter == 'A' ? 'B' : 'A';
    return token;
}

}  // namespace

int main() {
    const bool in_full = std::getenv("BENCH") != nullptr;
    const size_t stored = in_full ? 1'000'000 : 1'000;
    const TemporaryDirectory directory;
    Settings settings;
    settings.auth.mode = "tokens";
    settings.auth.tokens_file = directory.path() / "tokens";
    settings.auth.signing_keys_file = directory.path() / "keys";
    settings.auth.invalid_signatures_max = 1'000'000;
    {
        std::ofstream file(settings.auth.tokens_file);
        for (size_t number = 0; number < stored; ++number)
            file << fmt::format("site-{:07} tenant-{} {}\n", number, number % 100,
                                to_hex(sha256(stored_token(number))));
    }
    std::ofstream(directory.path() / "r.pem") << rsa_key().public_pem;
    std::ofstream(directory.path() / "p.pem") << p256_key().public_pem;
    std::ofstream(directory.path() / "e.pem") << ed25519_key().public_pem;
    std::ofstream(settings.auth.signing_keys_file)
        << "h HS256 " << to_base64url(secret) << "\nr RS256 r.pem\np ES256 p.pem\ne EdDSA e.pem\n";

    CredentialFiles files(settings);
    const auto begin = std::chrono::steady_clock::now();
    if (const auto loaded = files.load(); !loaded) {
        fmt::print("{}\n", describe(loaded.error()));
        return EXIT_FAILURE;
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    fmt::print("{} stored tokens loaded in {:.3f} s\n", stored, took.count());

    const Clock clock;
    Credentials credentials(settings, files, clock);
    Identity identity;
    const auto ask = [&](std::string_view name, size_t items, auto token) {
        bench(name, items, [&](size_t count) {
            uint64_t sites = 0;
            for (size_t number = 0; number < count; ++number) {
                const std::string& text = token(number);
                // Each token comes from another address, so that the limiter of signature checks
                // does not refuse the invalid tokens.
                const auto peer = fmt::format("{}", number);
                if (credentials.identify({{}, text, peer}, identity))
                    sites += identity.site().size();
            }
            return sites;
        });
    };
    const auto always = [](std::string token) {
        return [token = std::move(token)](size_t) -> const std::string& { return token; };
    };

    ask("no credential", 4'000'000, always(""));
    std::string text;
    const auto any_stored = [&](size_t number) -> const std::string& {
        text = stored_token(number * 7919 % stored);
        return text;
    };
    const auto any_other = [&](size_t number) -> const std::string& {
        text = stored_token(stored + number);
        return text;
    };
    ask("stored, valid", 800'000, any_stored);
    ask("stored, invalid", 800'000, any_other);

    const std::string payload = R"({"sub":"site-0000001","tenant":"tenant-1","exp":99999999999})";
    const std::string by_secret = token_by_secret(secret, R"({"alg":"HS256","kid":"h"})", payload);
    ask("HS256, valid", 200'000, always(by_secret));
    ask("HS256, invalid", 200'000, always(changed(by_secret)));
    ask("HS256, unknown key", 200'000,
        always(token_by_secret(secret, R"({"alg":"HS256","kid":"x"})", payload)));
    const struct {
        std::string_view name;
        std::string token;
    } tokens[] = {{"RS256", rsa_key().token(R"({"alg":"RS256","kid":"r"})", payload)},
                  {"ES256", p256_key().token(R"({"alg":"ES256","kid":"p"})", payload)},
                  {"EdDSA", ed25519_key().token(R"({"alg":"EdDSA","kid":"e"})", payload)}};
    for (const auto& [name, token] : tokens) {
        ask(fmt::format("{}, valid, verified before", name), 800'000, always(token));
        ask(fmt::format("{}, invalid, within the limit", name), 4'000, always(changed(token)));
    }
    // With this limit, only the first signature of each second is verified.
    settings.auth.invalid_signatures_max = 1;
    ask("ES256, invalid, beyond the limit", 400'000, always(changed(tokens[1].token)));
    return EXIT_SUCCESS;
}
