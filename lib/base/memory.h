// Where large blocks come from, and the budgets they are counted against.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"

namespace hadal::core {

/// The application's allocator, or the system's. The system's takes large blocks from anonymous, lazily committed
/// memory, so that a pool of cache pages costs what is touched.
struct Allocator {
    void *(*allocate)(void *user, size_t bytes, size_t alignment);
    void (*deallocate)(void *user, void *block, size_t bytes);
    void *user;

    static Allocator system();
};

/// A cap in bytes, counted together with the caps above it. Thread-safe.
class MemoryBudget {
public:
    /// name: "runtime", "model", "session", for messages. limit 0: no cap of its own.
    MemoryBudget(const char *name, uint64_t limit, std::shared_ptr<MemoryBudget> parent = nullptr);

    /// Counts bytes here and in every parent, or nowhere. Fails: out_of_memory naming what, the budget and both
    /// numbers.
    Result<void> reserve(uint64_t bytes, const char *what);
    void release(uint64_t bytes);

    uint64_t used() const;
    /// What may still be reserved, parents considered; UINT64_MAX where no cap is set.
    uint64_t available() const;

private:
    const char *name_;
    uint64_t limit_;
    std::atomic<uint64_t> used_{0};
    std::shared_ptr<MemoryBudget> parent_;
};

/// Bytes reserved in a budget until this dies. Move-only.
class Reservation {
public:
    Reservation() = default;
    static Result<Reservation> make(std::shared_ptr<MemoryBudget> budget, uint64_t bytes, const char *what);
    Reservation(Reservation &&other) noexcept;
    Reservation &operator=(Reservation &&other) noexcept;
    ~Reservation();

    uint64_t bytes() const;

private:
    std::shared_ptr<MemoryBudget> budget_;
    uint64_t bytes_ = 0;
};

/// An owned block from an Allocator, 64-aligned, contents undefined.
class Block {
public:
    Block() = default;
    /// Fails: out_of_memory with the number of bytes and what they were for; callback (the application's allocator
    /// ignored the alignment). bytes 0 gives an empty block.
    static Result<Block> make(const Allocator &allocator, size_t bytes, const char *what);
    Block(Block &&other) noexcept;
    Block &operator=(Block &&other) noexcept;
    ~Block();

    std::byte *data() const;
    size_t size() const;
    std::span<std::byte> bytes() const;

private:
    Allocator allocator_{};
    void *data_ = nullptr;
    size_t size_ = 0;
};

}  // namespace hadal::core
