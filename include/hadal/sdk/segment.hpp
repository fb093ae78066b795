// segment.hpp - inside the SDK: handles and memory, reading a segment from the library, and placing its values.
#ifndef HADAL_SDK_SEGMENT_HPP
#define HADAL_SDK_SEGMENT_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <vector>

#include "hadal/sdk/kernel.hpp"
#include "hadal/sdk/unpack.hpp"

namespace hadal::sdk::detail {

constexpr size_t kAlignment = 64;  // a cache line; the widest vector

struct Device {
    const Backend *backend;
    const hadal_bk_host *host;
};

struct Buffer {
    const Device *device;
    std::byte *data;
    uint64_t bytes;
    bool imported;  // read-only, not ours to free
};

struct Stream {
    const Device *device;
};

inline Device *from_handle(hadal_bk_device *handle) {
    return reinterpret_cast<Device *>(handle);
}
inline const Device *from_handle(const hadal_bk_device *handle) {
    return reinterpret_cast<const Device *>(handle);
}
inline Buffer *from_handle(hadal_bk_buffer *handle) {
    return reinterpret_cast<Buffer *>(handle);
}
inline const Buffer *from_handle(const hadal_bk_buffer *handle) {
    return reinterpret_cast<const Buffer *>(handle);
}
inline Stream *from_handle(hadal_bk_stream *handle) {
    return reinterpret_cast<Stream *>(handle);
}

/// Copies what both sides know of a growing struct; the rest of *out is zero. first_bytes: its first release.
template <class T>
hadal_status read_struct(const T *given, size_t first_bytes, const char *name, T *out, hadal_error *err) {
    if (given == nullptr) return fill_error(err, HADAL_INVALID_ARGUMENT, name, " is NULL");
    const size_t size = given->struct_size;
    if (size < first_bytes)
        return fill_error(err, HADAL_INVALID_ARGUMENT, name, ".struct_size is ", size, ", at least ", first_bytes);
    const auto *bytes = reinterpret_cast<const unsigned char *>(given);
    for (size_t i = sizeof(T); i < size; ++i)
        if (bytes[i] != 0)
            return fill_error(err, HADAL_NEWER_STRUCT, name, " has ", size, " bytes, ", sizeof(T),
                              " are known, and byte ", i, " is not zero");
    *out = T{};
    std::memcpy(out, given, std::min(size, sizeof(T)));
    return HADAL_OK;
}

/// Out-structs: only that the caller's has room for the fields written here.
template <class T>
hadal_status check_out(const T *out, const char *name, hadal_error *err) {
    if (out != nullptr && out->struct_size >= sizeof(T)) return HADAL_OK;
    return fill_error(err, HADAL_INVALID_ARGUMENT, name, ".struct_size is ", out == nullptr ? 0 : out->struct_size,
                      ", at least ", sizeof(T));
}

/// A number of bytes or elements that remembers an overflow.
struct Count {
    uint64_t n = 0;
    bool fits = true;

    Count plus(Count other) const {
        Count sum;
        sum.fits = !__builtin_add_overflow(n, other.n, &sum.n) && fits && other.fits;
        return sum;
    }
    Count times(Count other) const {
        Count product;
        product.fits = !__builtin_mul_overflow(n, other.n, &product.n) && fits && other.fits;
        return product;
    }
    Count aligned() const {
        Count up = plus({kAlignment - 1});
        up.n -= up.n % kAlignment;
        return up;
    }
};

/// A block from the host's allocator, 64-aligned.
class Block {
public:
    Block() = default;
    Block(const Block &) = delete;
    Block &operator=(const Block &) = delete;
    ~Block() {
        if (data_ != nullptr) host_->deallocate(host_->context, data_, bytes_);
    }

    hadal_status make(const hadal_bk_host *host, uint64_t bytes, const char *what, hadal_error *err) {
        if (bytes == 0) return HADAL_OK;
        const auto size = static_cast<size_t>(bytes);
        if (size == bytes) data_ = static_cast<std::byte *>(host->allocate(host->context, size, kAlignment));
        if (data_ == nullptr) return fill_error(err, HADAL_OUT_OF_MEMORY, "no room for ", bytes, " bytes of ", what);
        host_ = host;
        bytes_ = size;
        return HADAL_OK;
    }
    std::byte *data() const { return data_; }

private:
    const hadal_bk_host *host_ = nullptr;
    std::byte *data_ = nullptr;
    size_t bytes_ = 0;
};

/// Runs a function that may meet std::bad_alloc, or a third party's exception, at creation.
template <class F>
hadal_status guarded(hadal_error *err, F &&function) {
    try {
        return function();
    } catch (const std::bad_alloc &) {
        return fill_error(err, HADAL_OUT_OF_MEMORY, "no memory for control structures");
    } catch (...) {
        return fill_error(err, HADAL_INTERNAL, "a kernel's preparation threw an exception");
    }
}

// -- Segments

/// Number of operands and bytes of attributes of the ops in ops.h; kernels may count on them.
struct Signature {
    uint32_t opcode, min_inputs, max_inputs, n_outputs;
    size_t attributes_bytes;
};
constexpr Signature kSignatures[] = {
    {HADAL_OP_GATHER_ROWS, 2, 2, 1, 0},
    {HADAL_OP_MATMUL, 2, 2, 1, 0},
    {HADAL_OP_ADD, 2, 2, 1, 0},
    {HADAL_OP_SILU_MUL, 2, 2, 1, 0},
    {HADAL_OP_RMS_NORM, 2, 2, 1, sizeof(hadal_rms_norm)},
    {HADAL_OP_ROPE, 2, 3, 1, sizeof(hadal_rope)},
    {HADAL_OP_KV_APPEND, 2, 3, 1, 0},
    {HADAL_OP_ATTENTION, 2, 2, 1, sizeof(hadal_attention)},
};

inline bool fits_signature(const hadal_bk_op &op) {
    for (const Signature &known : kSignatures)
        if (known.opcode == op.opcode)
            return op.n_inputs >= known.min_inputs && op.n_inputs <= known.max_inputs &&
                   op.n_outputs == known.n_outputs && op.attributes_bytes >= known.attributes_bytes &&
                   (known.attributes_bytes == 0 || op.attributes != nullptr);
    return true;
}

/// What is wrong with a value by itself, null if nothing.
inline const char *problem_of(const hadal_bk_value &value) {
    if (value.rank < 1 || value.rank > 4) return "has no rank from 1 to 4";
    if (value.name == nullptr) return "has no name";
    if (value.kind < HADAL_BK_WEIGHT || value.kind > HADAL_BK_OUTPUT) return "has no known kind";
    Count elements{1};
    for (uint32_t d = 0; d < value.rank; ++d) {
        if (value.dims[d].count < 0) return "has a negative dim";
        if (d > 0 && value.dims[d].symbol != HADAL_BK_SYMBOL_NONE) return "has symbolic inner dims";
        elements = elements.times({static_cast<uint64_t>(value.dims[d].count)});
    }
    if (!elements.fits || elements.n > INT64_MAX / 8) return "is too large";
    const bool is_f32 = value.dtype == HADAL_DTYPE_F32;
    if ((value.kind == HADAL_BK_ACTIVATION || value.kind == HADAL_BK_OUTPUT) && !is_f32)
        return "is an activation, but not f32";
    if (value.kind == HADAL_BK_STATE && (value.rank != 3 || (!is_f32 && value.dtype != HADAL_DTYPE_BF16)))
        return "is a state, but not f32 or bf16 of [n_kv, d_k, d_v]";
    if (value.kind == HADAL_BK_INPUT && (value.input > HADAL_INPUT_OUT_ROWS || value.rank != 1))
        return "is no input of ops.h";
    return nullptr;
}

/// What is wrong with what a value shows, null if nothing. Chains of bases must end.
inline const char *problem_of_base(const hadal_bk_segment &segment, uint32_t value_i) {
    uint32_t root = value_i;
    for (uint32_t steps = 0; root < segment.n_values && segment.values[root].base != root; ++steps) {
        if (steps == segment.n_values) return "is a view of itself";
        root = segment.values[root].base;
    }
    const hadal_bk_value &value = segment.values[value_i];
    if (root >= segment.n_values) return "has a base out of range";
    if (root == value_i) return nullptr;
    if (value.offset < 0 || value.row_stride < 0) return "has a negative offset or stride";
    if (value.kind == HADAL_BK_INPUT) return "is a view of an input";
    return segment.values[root].kind == value.kind ? nullptr : "is a view of another kind of value";
}

/// Everything later code relies on: indices in range, ranks, types, bases.
inline hadal_status check_segment(const hadal_bk_segment &segment, hadal_error *err) {
    const auto refuse = [err](const char *what, uint32_t i, const char *problem) {
        return fill_error(err, HADAL_INVALID_ARGUMENT, what, " ", i, " of the segment ", problem);
    };
    for (uint32_t i = 0; i < segment.n_values; ++i) {
        const char *problem = problem_of(segment.values[i]);
        if (problem == nullptr) problem = problem_of_base(segment, i);
        if (problem != nullptr) return refuse("value", i, problem);
    }
    for (uint32_t i = 0; i < segment.n_ops; ++i) {
        const hadal_bk_op &op = segment.ops[i];
        const auto in_range = [&segment](uint32_t value) { return value < segment.n_values; };
        if (!std::all_of(op.inputs, op.inputs + op.n_inputs, in_range))
            return refuse("op", i, "reads a value out of range");
        if (!std::all_of(op.outputs, op.outputs + op.n_outputs, in_range))
            return refuse("op", i, "writes a value out of range");
    }
    for (uint32_t i = 0; i < segment.n_boundary; ++i) {
        const uint32_t value = segment.boundary[i];
        if (value >= segment.n_values || segment.values[value].base != value)
            return refuse("boundary", i, "is a view or out of range");
    }
    return HADAL_OK;
}

/// Reads and checks a segment description.
inline hadal_status read_segment(const hadal_bk_segment *given, hadal_bk_segment *out, hadal_error *err) {
    const hadal_status status = read_struct(given, sizeof(hadal_bk_segment), "segment", out, err);
    return status != HADAL_OK ? status : check_segment(*out, err);
}

/// Finds the kernel of an op, or writes why there is none.
inline const Kernel *find_kernel(const Backend &backend, const hadal_bk_segment &segment, const hadal_bk_op &op,
                                 char *reason, size_t reason_bytes) {
    const Kernel *kernel = nullptr;
    for (size_t i = 0; i < backend.n_kernels; ++i)
        if (backend.kernels[i].opcode == op.opcode) kernel = &backend.kernels[i];
    if (kernel == nullptr) {
        write_text(reason, reason_bytes, "no kernel for op ", op.opcode);
        return nullptr;
    }
    if (op.version > kernel->version) {
        write_text(reason, reason_bytes, "version ", op.version, " of op ", op.opcode, ", ", kernel->version, " known");
        return nullptr;
    }
    if (!fits_signature(op)) {
        write_text(reason, reason_bytes, "operands or attributes are not those of op ", op.opcode);
        return nullptr;
    }
    for (uint32_t i = 0; i < op.n_inputs; ++i) {
        const hadal_bk_value &value = segment.values[op.inputs[i]];
        if (value.n_parts > 1) {
            write_text(reason, reason_bytes, value.name, " has ", value.n_parts, " parts, only one here");
            return nullptr;
        }
    }
    if (kernel->accepts != nullptr && !kernel->accepts(OpView(segment, op), reason, reason_bytes)) return nullptr;
    return kernel;
}

inline hadal_status find_kernels(const Backend &backend, const hadal_bk_segment &segment,
                                 std::vector<const Kernel *> *out, hadal_error *err) {
    for (uint32_t i = 0; i < segment.n_ops; ++i) {
        char reason[240] = "";
        const Kernel *kernel = find_kernel(backend, segment, segment.ops[i], reason, sizeof reason);
        if (kernel == nullptr) return fill_error(err, HADAL_UNSUPPORTED, backend.name, ": op ", i, ": ", reason);
        out->push_back(kernel);
    }
    return HADAL_OK;
}

inline Count prepared_bytes(const Kernel &kernel, const hadal_bk_segment &segment, const hadal_bk_op &op) {
    if (kernel.prepared_bytes == nullptr) return {};
    return Count{kernel.prepared_bytes(OpView(segment, op))}.aligned();
}

// -- Where values lie

/// The value whose storage another one shows, and how many elements into it.
struct Place {
    uint32_t root;
    int64_t offset;
};

inline Place place_of(const hadal_bk_segment &segment, uint32_t value) {
    Place place{value, 0};
    while (segment.values[place.root].base != place.root) {
        if (__builtin_add_overflow(place.offset, segment.values[place.root].offset, &place.offset))
            place.offset = INT64_MAX;
        place.root = segment.values[place.root].base;
    }
    return place;
}

inline Count most_rows(const hadal_bk_dim &dim, const hadal_bk_limits &limits) {
    const Count count{static_cast<uint64_t>(dim.count)};
    if (dim.symbol == HADAL_BK_SYMBOL_ROWS) return count.times({limits.max_rows});
    if (dim.symbol == HADAL_BK_SYMBOL_OUT) return count.times({limits.max_out});
    return count;
}

/// Bytes of a value with storage of its own, at the limits.
inline Count storage_bytes(const hadal_bk_segment &segment, const hadal_bk_value &value,
                           const hadal_bk_limits &limits) {
    if (value.kind == HADAL_BK_STATE) {
        const Count width{static_cast<uint64_t>(value.dims[1].count) + static_cast<uint64_t>(value.dims[2].count)};
        const uint64_t element_bytes = value.dtype == HADAL_DTYPE_BF16 ? 2 : 4;
        return Count{limits.n_pages}
            .times({segment.page_size})
            .times(width)
            .times({element_bytes})
            .times({static_cast<uint64_t>(value.dims[0].count)});
    }
    const int64_t row_bytes = dtype_row_bytes(value.dtype, row_elements(value));
    if (row_bytes < 0) return {0, false};
    return most_rows(value.dims[0], limits).times({static_cast<uint64_t>(row_bytes)});
}

/// Does a view stay inside the storage it shows, at the limits?
inline bool view_fits(const hadal_bk_segment &segment, const hadal_bk_value &value, Place place,
                      const hadal_bk_limits &limits) {
    const hadal_bk_value &root = segment.values[place.root];
    if (value.kind == HADAL_BK_STATE)
        return place.offset == 0 && root.dtype == value.dtype &&
               std::equal(root.dims, root.dims + 3, value.dims,
                          [](const hadal_bk_dim &a, const hadal_bk_dim &b) { return a.count == b.count; });
    if (dtype_row_bytes(value.dtype, place.offset) < 0 || dtype_row_bytes(value.dtype, value.row_stride) < 0)
        return false;
    const Count rows = most_rows(value.dims[0], limits);
    if (rows.n == 0) return rows.fits;
    const Count end = Count{rows.n - 1, rows.fits}
                          .times({static_cast<uint64_t>(value.row_stride)})
                          .plus({static_cast<uint64_t>(place.offset)})
                          .plus({static_cast<uint64_t>(row_elements(value))});
    const Count all = most_rows(root.dims[0], limits).times({static_cast<uint64_t>(row_elements(root))});
    return end.fits && all.fits && end.n <= all.n && value.dtype == root.dtype;
}

/// One instance's memory: the arena of activations the segment keeps to itself, every worker's scratch, and shared
/// scratch; and where in the arena each value begins.
struct Layout {
    std::vector<uint64_t> arena_offset;  // of values that have their place in the arena
    std::vector<bool> in_arena;
    uint64_t arena_bytes = 0;
    uint64_t worker_scratch_bytes = 0;
    uint64_t shared_scratch_bytes = 0;
    uint64_t bytes = 0;
};

/// Places activations in the order they appear, each in the lowest gap between those still in use. Two that meet in one
/// op never share memory.
inline Count place_activations(const hadal_bk_segment &segment, const hadal_bk_limits &limits, Layout *layout) {
    struct Live {
        uint64_t begin, end;
        uint32_t last_op;
    };
    std::vector<uint32_t> last_op(segment.n_values, 0);
    std::vector<bool> outside(segment.n_values, false);
    for (uint32_t i = 0; i < segment.n_boundary; ++i) outside[segment.boundary[i]] = true;
    const auto each_operand = [&segment](uint32_t op_i, auto &&visit) {
        const hadal_bk_op &op = segment.ops[op_i];
        for (uint32_t k = 0; k < op.n_inputs; ++k) visit(place_of(segment, op.inputs[k]).root);
        for (uint32_t k = 0; k < op.n_outputs; ++k) visit(place_of(segment, op.outputs[k]).root);
    };
    for (uint32_t i = 0; i < segment.n_ops; ++i) each_operand(i, [&](uint32_t root) { last_op[root] = i; });

    layout->arena_offset.assign(segment.n_values, 0);
    layout->in_arena.assign(segment.n_values, false);
    std::vector<Live> live;  // by begin
    Count arena;
    for (uint32_t i = 0; i < segment.n_ops; ++i) {
        live.erase(std::remove_if(live.begin(), live.end(), [i](const Live &other) { return other.last_op < i; }),
                   live.end());
        each_operand(i, [&](uint32_t root) {
            if (segment.values[root].kind != HADAL_BK_ACTIVATION || outside[root] || layout->in_arena[root]) return;
            const Count size = storage_bytes(segment, segment.values[root], limits).aligned();
            Count begin;
            auto at = live.begin();
            for (; at != live.end() && at->begin - begin.n < size.n; ++at) begin.n = at->end;
            const Count end = begin.plus(size);
            arena = {std::max(arena.n, end.n), arena.fits && end.fits};
            live.insert(at, Live{begin.n, end.n, last_op[root]});
            layout->arena_offset[root] = begin.n;
            layout->in_arena[root] = true;
        });
    }
    return arena;
}

inline hadal_status lay_out(const Device &device, const hadal_bk_segment &segment,
                            const std::vector<const Kernel *> &kernels, const hadal_bk_limits &limits, Layout *layout,
                            hadal_error *err) {
    for (uint32_t i = 0; i < segment.n_values; ++i) {
        const Place place = place_of(segment, i);
        if (place.root != i && !view_fits(segment, segment.values[i], place, limits))
            return fill_error(err, HADAL_INVALID_ARGUMENT, "view ", segment.values[i].name, " leaves its base ",
                              segment.values[place.root].name);
    }
    const Count arena = place_activations(segment, limits, layout);
    Count worker_scratch, shared_scratch;
    for (uint32_t i = 0; i < segment.n_ops; ++i) {
        const OpView op(segment, segment.ops[i]);
        if (kernels[i]->scratch_bytes != nullptr)
            worker_scratch.n = std::max<uint64_t>(worker_scratch.n, kernels[i]->scratch_bytes(op, limits));
        if (kernels[i]->shared_scratch_bytes != nullptr)
            shared_scratch.n = std::max<uint64_t>(shared_scratch.n, kernels[i]->shared_scratch_bytes(op, limits));
    }
    worker_scratch = worker_scratch.aligned();
    const uint32_t workers = device.host->team_size(device.host->context);
    const Count total = arena.plus(worker_scratch.times({workers})).plus(shared_scratch);
    if (!total.fits) return fill_error(err, HADAL_INVALID_ARGUMENT, "the segment's scratch overflows 64 bits");
    layout->arena_bytes = arena.n;
    layout->worker_scratch_bytes = worker_scratch.n;
    layout->shared_scratch_bytes = shared_scratch.n;
    layout->bytes = total.n;
    return HADAL_OK;
}

/// The operands of one op, inputs first; of values with a known address.
inline void append_operands(const hadal_bk_segment &segment, const hadal_bk_op &op,
                            const std::vector<std::byte *> &data, std::vector<Operand> *out) {
    const auto append = [&](uint32_t i) {
        const hadal_bk_value &value = segment.values[i];
        const int64_t stride = value.base == i ? row_elements(value) : value.row_stride;
        out->push_back({&value, data[i], value.dims[0].count, stride});
    };
    for (uint32_t k = 0; k < op.n_inputs; ++k) append(op.inputs[k]);
    for (uint32_t k = 0; k < op.n_outputs; ++k) append(op.outputs[k]);
}

/// Addresses of views, from those of what they show. A base that has no address gives none.
inline void resolve_views(const hadal_bk_segment &segment, std::vector<std::byte *> *data) {
    for (uint32_t i = 0; i < segment.n_values; ++i) {
        const Place place = place_of(segment, i);
        if (place.root == i || (*data)[place.root] == nullptr) continue;
        (*data)[i] = (*data)[place.root] + std::max<int64_t>(0, dtype_row_bytes(segment.values[i].dtype, place.offset));
    }
}

}  // namespace hadal::sdk::detail

#endif
