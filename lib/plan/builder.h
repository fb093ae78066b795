// The verbs a family describes its forward pass with. Every verb checks its operands and infers what it makes.
//
// The first error is kept, later verbs do nothing, and finish() returns it: a forward pass reads like maths, without a
// line of error handling, and a checkpoint that does not fit fails at open with both shapes in the sentence.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "format/checkpoint.h"
#include "plan/program.h"

namespace hadal::core {

/// A value of the program under construction.
struct Ref {
    ValueId id = UINT32_MAX;
    explicit operator bool() const { return id != UINT32_MAX; }
};

class Builder {
public:
    /// state_dtype: element type of the cache, f32 or bf16.
    Builder(const Checkpoint &checkpoint, uint32_t state_dtype);

    /// Names of what follows begin with it: "layer.3".
    void scope(std::string name);

    /// The checkpoint's tensor of that name, which must have these dims (outermost first).
    Ref weight(const std::string &name, std::initializer_list<int64_t> dims);
    /// The same, or an empty Ref where the checkpoint has no such tensor.
    Ref optional_weight(const std::string &name, std::initializer_list<int64_t> dims);
    /// A cache of one layer: per position n_kv vectors of d_k and of d_v elements (d_v 0: v is the beginning of k).
    Ref state(const std::string &name, int64_t n_kv, int64_t d_k, int64_t d_v);

    Ref tokens();     ///< [rows] i32
    Ref positions();  ///< [rows] i32
    Ref out_rows();   ///< [out] i32: the rows whose logits are wanted

    /// source [rows, n] seen as [rows, dims...]; no copy.
    Ref reshape(Ref source, std::initializer_list<int64_t> dims);

    // The ops of hadal/ops.h, which has their maths and shapes.
    Ref gather_rows(Ref table, Ref ids);
    Ref matmul(Ref input, Ref weight);
    Ref add(Ref a, Ref b);
    Ref silu_mul(Ref gate, Ref up);
    Ref rms_norm(Ref input, Ref weight, double epsilon);
    Ref rope(Ref input, const hadal_rope &attributes, Ref divisors = {});
    Ref kv_append(Ref state, Ref k, Ref v);
    Ref attention(Ref q, Ref state, double scale);

    /// Makes value the program's output and returns the program, or the first error.
    Result<Program> finish(Ref logits);

private:
    Ref fail(Error error);
    /// Is there an error, or an operand that an earlier error left empty?
    bool broken(std::initializer_list<Ref> operands) const;
    Value &value(Ref ref) { return program_.values[ref.id]; }
    Ref add_value(Value value);
    Ref add_op(uint32_t opcode, std::vector<Ref> inputs, std::vector<Dim> dims, Attributes attributes = {});
    Ref input(uint32_t which, const char *name, Symbol symbol);
    Ref misfit(uint32_t opcode, Ref a, Ref b, const char *rule);
    Ref misfit(uint32_t opcode, Ref a, const char *rule);
    bool is_f32(Ref ref);

    const Checkpoint &checkpoint_;
    uint32_t state_dtype_;
    std::string scope_;
    Program program_;
    std::optional<Error> error_;
    Ref inputs_[3];  ///< by HADAL_INPUT_*
};

}  // namespace hadal::core
