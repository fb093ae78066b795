#include "heap.h"

#include <cstdlib>
#include <new>

namespace hadal::test {
thread_local int64_t allocations_until_failure = -1;
}

// Visible, so that the library finds these and not those of its own.
#pragma GCC visibility push(default)

void *operator new(size_t bytes) {
    int64_t &left = hadal::test::allocations_until_failure;
    if (left >= 0 && left-- == 0) throw std::bad_alloc();
    if (void *block = std::malloc(bytes != 0 ? bytes : 1)) return block;
    throw std::bad_alloc();
}

void operator delete(void *block) noexcept {
    std::free(block);
}
void operator delete(void *block, size_t) noexcept {
    std::free(block);
}

#pragma GCC visibility pop
