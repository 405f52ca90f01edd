// DestroyWith: how a std::unique_ptr lets go of what a C library made.
//
//     using Bio = std::unique_ptr<BIO, DestroyWith<BIO_free_all>>;
//
// Threads: as its owner says.
#pragma once

namespace rollcall {

template <auto destroy>
struct DestroyWith {
    void operator()(auto* object) const { destroy(object); }
};

}  // namespace rollcall
