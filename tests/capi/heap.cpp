// Every form of new but the over-aligned ones: sanitizers want a block to be freed by the twin of what made it.
#include "heap.h"

#include <cstdlib>
#include <new>

namespace hadal::test {
thread_local int64_t allocations_until_failure = -1;
}

namespace {

void *allocate(size_t bytes) noexcept {
    int64_t &left = hadal::test::allocations_until_failure;
    if (left >= 0 && left-- == 0) return nullptr;
    return std::malloc(bytes != 0 ? bytes : 1);
}

void *allocate_or_throw(size_t bytes) {
    if (void *block = allocate(bytes)) return block;
    throw std::bad_alloc();
}

}  // namespace

// Visible, so that the library finds these and not those of its own.
#pragma GCC visibility push(default)

void *operator new(size_t bytes) {
    return allocate_or_throw(bytes);
}
void *operator new[](size_t bytes) {
    return allocate_or_throw(bytes);
}
void *operator new(size_t bytes, const std::nothrow_t &) noexcept {
    return allocate(bytes);
}
void *operator new[](size_t bytes, const std::nothrow_t &) noexcept {
    return allocate(bytes);
}
void operator delete(void *block) noexcept {
    std::free(block);
}
void operator delete[](void *block) noexcept {
    std::free(block);
}
void operator delete(void *block, size_t) noexcept {
    std::free(block);
}
void operator delete[](void *block, size_t) noexcept {
    std::free(block);
}
void operator delete(void *block, const std::nothrow_t &) noexcept {
    std::free(block);
}
void operator delete[](void *block, const std::nothrow_t &) noexcept {
    std::free(block);
}

#pragma GCC visibility pop
