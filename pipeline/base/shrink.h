// Shrink: returns memory that a container no longer needs.
//
// Standard containers double their memory when they grow, and never shrink. These functions shrink
// a container to twice its used size if less than an eighth of it is used. After that, the used
// part must double or fall to a quarter before the container is resized again. So a steady load
// causes no reallocation, and the amortized cost of a removal is constant.
//
// Threads: the thread that owns the container.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace rollcall {

inline constexpr size_t shrinks_from = 1024;  // Smaller containers are never shrunk.

// Shrinks the buckets of an unordered container. Iterators become invalid; pointers to elements
// stay valid.
template <class Unordered>
void shrink_buckets(Unordered& elements) {
    if (elements.bucket_count() < shrinks_from) return;
    if (elements.size() < elements.bucket_count() / 8) elements.rehash(2 * elements.size());
}

template <class T>
void shrink_capacity(std::vector<T>& elements) {
    if (elements.capacity() < shrinks_from || elements.size() >= elements.capacity() / 8) return;
    std::vector<T> smaller;
    smaller.reserve(2 * elements.size());
    for (T& element : elements) smaller.push_back(std::move(element));
    elements = std::move(smaller);
}

}  // namespace rollcall
