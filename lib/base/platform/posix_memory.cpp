// The system's allocator: large blocks straight from the kernel, small ones from the C library.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

#include "base/checked.h"
#include "base/memory.h"

namespace hadal::core {
namespace {

// From here on a block has its own mapping: only pages that are touched cost memory, and freeing gives them back.
constexpr size_t kMappedFrom = size_t{1} << 20;

size_t page_size() {
    return static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

/// Maps more than asked where alignment is above a page, and gives the ends back.
void *map_aligned(size_t bytes, size_t alignment) {
    const size_t page = page_size();
    const auto whole_pages = checked_round_up(bytes, page);
    if (!whole_pages) return nullptr;
    const size_t slack = alignment > page ? alignment : 0;
    const auto mapped = checked_add(*whole_pages, slack);
    if (!mapped) return nullptr;
    void *data = mmap(nullptr, *mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (data == MAP_FAILED) return nullptr;
    if (slack == 0) return data;
    auto *first = static_cast<std::byte *>(data);
    const size_t misaligned = reinterpret_cast<uintptr_t>(first) % alignment;
    const size_t before = misaligned == 0 ? 0 : alignment - misaligned;
    if (before > 0) munmap(first, before);
    if (slack > before) munmap(first + before + *whole_pages, slack - before);
    return first + before;
}

void *system_allocate(void *, size_t bytes, size_t alignment) {
    if (bytes >= kMappedFrom) return map_aligned(bytes, alignment);
    void *data = nullptr;
    return posix_memalign(&data, alignment < sizeof(void *) ? sizeof(void *) : alignment, bytes) == 0 ? data : nullptr;
}

void system_deallocate(void *, void *block, size_t bytes) {
    if (bytes < kMappedFrom) {
        std::free(block);
        return;
    }
    if (const auto whole_pages = checked_round_up(bytes, page_size())) munmap(block, *whole_pages);
}

}  // namespace

Allocator Allocator::system() {
    return {system_allocate, system_deallocate, nullptr};
}

}  // namespace hadal::core
