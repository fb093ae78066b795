#include "base/memory.h"

#include <algorithm>
#include <utility>

namespace hadal::core {

MemoryBudget::MemoryBudget(const char *name, uint64_t limit, std::shared_ptr<MemoryBudget> parent)
    : name_(name), limit_(limit), parent_(std::move(parent)) {}

Result<void> MemoryBudget::reserve(uint64_t bytes, const char *what) {
    const uint64_t limit = limit_ == 0 ? UINT64_MAX : limit_;
    uint64_t used = used_.load(std::memory_order_relaxed);
    do {
        if (bytes > limit - used) {
            return error(Status::out_of_memory, what, " needs ", bytes, " bytes, but of the ", name_, " budget of ",
                         limit, " bytes only ", limit - used, " are left");
        }
    } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
    if (parent_ == nullptr) return {};
    // Counted back unless the parents have room too; their refusal may also throw, while it makes its sentence.
    const auto count_back = [bytes](std::atomic<uint64_t> *used_here) {
        used_here->fetch_sub(bytes, std::memory_order_relaxed);
    };
    std::unique_ptr<std::atomic<uint64_t>, decltype(count_back)> counted(&used_, count_back);
    HADAL_CHECK(parent_->reserve(bytes, what));
    static_cast<void>(counted.release());
    return {};
}

void MemoryBudget::release(uint64_t bytes) {
    used_.fetch_sub(bytes, std::memory_order_relaxed);
    if (parent_ != nullptr) parent_->release(bytes);
}

uint64_t MemoryBudget::used() const {
    return used_.load(std::memory_order_relaxed);
}

uint64_t MemoryBudget::available() const {
    const uint64_t here = limit_ == 0 ? UINT64_MAX : limit_ - used();
    return parent_ == nullptr ? here : std::min(here, parent_->available());
}

Result<Reservation> Reservation::make(std::shared_ptr<MemoryBudget> budget, uint64_t bytes, const char *what) {
    HADAL_CHECK(budget->reserve(bytes, what));
    Reservation reservation;
    reservation.budget_ = std::move(budget);
    reservation.bytes_ = bytes;
    return reservation;
}

Reservation::Reservation(Reservation &&other) noexcept
    : budget_(std::move(other.budget_)), bytes_(std::exchange(other.bytes_, 0)) {}

Reservation &Reservation::operator=(Reservation &&other) noexcept {
    Reservation taken(std::move(other));
    std::swap(budget_, taken.budget_);
    std::swap(bytes_, taken.bytes_);
    return *this;
}

Reservation::~Reservation() {
    if (budget_ != nullptr) budget_->release(bytes_);
}

uint64_t Reservation::bytes() const {
    return bytes_;
}

namespace {
constexpr size_t kBlockAlignment = 64;  // a cache line, and the widest vector register
}

Result<Block> Block::make(const Allocator &allocator, size_t bytes, const char *what) {
    Block block;
    if (bytes == 0) return block;
    block.allocator_ = allocator;
    block.data_ = allocator.allocate(allocator.user, bytes, kBlockAlignment);
    if (block.data_ == nullptr) {
        return error(Status::out_of_memory, what, ": the allocator has no ", bytes, " bytes");
    }
    block.size_ = bytes;
    if (reinterpret_cast<uintptr_t>(block.data_) % kBlockAlignment != 0) {
        return error(Status::callback, what, ": the allocator gave a block that is not ", kBlockAlignment, "-aligned");
    }
    return block;
}

Block::Block(Block &&other) noexcept
    : allocator_(other.allocator_), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Block &Block::operator=(Block &&other) noexcept {
    Block taken(std::move(other));
    std::swap(allocator_, taken.allocator_);
    std::swap(data_, taken.data_);
    std::swap(size_, taken.size_);
    return *this;
}

Block::~Block() {
    if (data_ != nullptr) allocator_.deallocate(allocator_.user, data_, size_);
}

std::byte *Block::data() const {
    return static_cast<std::byte *>(data_);
}
size_t Block::size() const {
    return size_;
}
std::span<std::byte> Block::bytes() const {
    return {data(), size_};
}

}  // namespace hadal::core
