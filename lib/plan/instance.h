// A program ready to run on one thread of work: an instance of every segment, their streams, and what crosses between
// them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/cancel.h"
#include "base/memory.h"
#include "base/result.h"
#include "plan/executable.h"

namespace hadal::core {

/// The cache pages of every state of a program, on the states' devices. Instances bind to them.
class StatePages {
public:
    static Result<std::unique_ptr<StatePages>> create(const Executable &executable, uint32_t n_pages);

    uint32_t n_pages() const { return n_pages_; }
    const Buffer &buffer(ValueId state) const;

private:
    uint32_t n_pages_ = 0;
    std::vector<ValueId> states_;
    std::vector<Buffer> buffers_;  ///< as states_
};

/// Exclusive: one thread at a time. executable and pages must outlive it.
class Instance {
public:
    static Result<std::unique_ptr<Instance>> create(const Executable &executable, const StatePages &pages,
                                                    const Limits &limits, const Allocator &allocator);

    /// Computes one run block (ops.h) within the limits; logits [n_out, n_vocab] are written only on success.
    /// Fails: cancelled, device_lost, internal; then the states' rows of this run are undefined, all others are as
    /// before.
    Result<void> run(const void *block, const StopFlag *stop, std::span<float> logits);

    uint64_t copied_bytes() const { return copied_bytes_; }  ///< between devices, since creation

private:
    struct Crossing {
        ValueId value;
        size_t from;  ///< index into boundary_ of the maker's buffer
        size_t to;    ///< and of the reader's
    };
    struct Boundary {
        ValueId value;
        Buffer buffer;
        uint64_t bytes;
    };
    struct Part {
        uint32_t device_i;
        std::vector<Crossing> incoming;
        DeviceInstance instance;
    };

    explicit Instance(const Executable &executable) : executable_(executable) {}
    Result<void> create_part(const Segment &segment, const DeviceProgram &program, const StatePages &pages,
                             const Limits &limits);
    Result<size_t> add_boundary(ValueId value, uint32_t device_i, const Limits &limits);
    Result<void> enqueue(const hadal_bk_run &run);
    Result<void> wait_for_all();
    Result<void> cross(const Crossing &crossing, const Part &part, uint64_t bytes);
    Result<void> read(size_t boundary_i, std::byte *to, uint64_t bytes);

    const Executable &executable_;
    std::vector<Stream> streams_;  ///< by device; empty where the plan does not use it
    std::vector<Boundary> boundary_;
    std::vector<size_t> made_at_;    ///< by value: the maker's boundary buffer, SIZE_MAX: none
    std::vector<uint32_t> made_on_;  ///< by value: its device
    std::vector<Part> parts_;        ///< by segment; destroyed before the buffers they are bound to
    Block staging_;
    uint64_t copied_bytes_ = 0;
};

}  // namespace hadal::core
