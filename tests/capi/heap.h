// The C++ heap of the test program, the library's calls among them, made to fail.
#pragma once

#include <cstdint>

namespace hadal::test {

/// Counts down with every operator new of this thread; the one that finds 0 throws std::bad_alloc. -1: off.
extern thread_local int64_t allocations_until_failure;

}  // namespace hadal::test
