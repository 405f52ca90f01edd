// DestroyWith: the deleter of a std::unique_ptr to an object of a C library.
//
//     using Bio = std::unique_ptr<BIO, DestroyWith<BIO_free_all>>;
//
// Threads: the thread that owns the pointer.
#pragma once

namespace rollcall {

template <auto destroy>
struct DestroyWith {
    void operator()(auto* object) const { destroy(object); }
};

}  // namespace rollcall
