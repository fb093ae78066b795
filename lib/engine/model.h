// An opened model: a checkpoint, its program, the plan that puts it on devices, and its tokenizer. Immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/memory.h"
#include "base/result.h"
#include "base/watch.h"
#include "engine/runtime.h"
#include "format/checkpoint.h"
#include "model/family.h"
#include "plan/executable.h"
#include "text/chat_codec.h"
#include "text/tokenizer.h"

namespace hadal::core {

enum class LoadMode { mmap, read };

struct ModelOptions {
    LoadMode load = LoadMode::mmap;
    std::string backend;  ///< preferred; empty: the runtime's order
    Fallback fallback = Fallback::allow;
    uint32_t kv_dtype = HADAL_DTYPE_BF16;  ///< or F32
    uint64_t memory_budget = 0;
    Watch watch;              ///< bytes read, or where they are mapped bytes prepared
    std::vector<OpPin> pins;  ///< ops that must lie on a given device; tests
};

/// Numbers of a checkpoint and its plan, for people and for choosing a context.
struct ModelSummary {
    ModelFacts facts;
    std::string weight_type;  ///< of most weight bytes
    uint64_t n_parameters = 0;
    uint64_t n_active_parameters = 0;  ///< as in WeightFacts
    uint64_t weight_bytes = 0;         ///< with scales
    uint64_t weight_bytes_per_token = 0;
    uint64_t kv_bytes_per_page = 0;
    uint64_t model_bytes = 0;    ///< allocated by open
    uint64_t session_bytes = 0;  ///< allocated by a session with default options, without pages
    uint64_t max_context = 0;    ///< within the budget, at most the trained length
    bool has_tokenizer = false;
};

/// What a session of this context, at most kMaxContext, plans for: chunk rows per run, or where it is 0 a default that
/// keeps scratch small; wanted rows so that their logits stay small.
Limits session_limits(const ModelFacts &facts, uint64_t context, uint32_t chunk);

/// Bytes of n_rows rows of logits.
uint64_t logits_bytes(const ModelFacts &facts, uint64_t n_rows);

class Model {
public:
    /// Headers only: what open would make, without weights; a folder's config.json is enough. Fails: as open before it
    /// reserves memory.
    static Result<ModelSummary> inspect(std::shared_ptr<const Runtime> runtime, const std::string &path,
                                        const ModelOptions &options);

    /// Fails: not_found, bad_format, unsupported, out_of_memory, cancelled, callback.
    static Result<std::shared_ptr<const Model>> open(std::shared_ptr<const Runtime> runtime, const std::string &path,
                                                     const ModelOptions &options);

    const ModelSummary &summary() const { return summary_; }
    /// The plan, with the bytes of a session with default options.
    Result<std::string> plan_json() const;
    const ModelFacts &facts() const { return summary_.facts; }
    const Metadata &metadata() const { return checkpoint_.metadata(); }
    const Executable &executable() const { return *executable_; }
    const Runtime &runtime() const { return *runtime_; }
    const std::shared_ptr<const Runtime> &shared_runtime() const { return runtime_; }
    const std::shared_ptr<MemoryBudget> &budget() const { return budget_; }
    /// Fails: not_found, unsupported, as opening the vocabulary did.
    Result<std::shared_ptr<const Tokenizer>> tokenizer() const;
    /// Fails: not_found (no template, and a family without a format), bad_format, unsupported, as reading it did.
    const Result<std::shared_ptr<const ChatCodec>> &chat_codec() const { return chat_codec_; }
    /// Tokens that end a turn: the vocabulary's, and those of config.json and generation_config.json. Sorted.
    const std::vector<Token> &stop_tokens() const { return stop_tokens_; }

private:
    Model(std::shared_ptr<const Runtime> runtime, Checkpoint checkpoint);
    /// A model without weights, and the plan they would be created by.
    struct Planned {
        std::unique_ptr<Model> model;
        Plan plan;
    };
    static Result<Planned> plan(std::shared_ptr<const Runtime> runtime, Checkpoint checkpoint,
                                const ModelOptions &options);
    Result<void> open_tokenizer();
    void read_chat_codec();
    Result<void> find_stop_tokens();

    std::shared_ptr<const Runtime> runtime_;
    Checkpoint checkpoint_;
    ModelSummary summary_;
    std::shared_ptr<MemoryBudget> budget_;
    Reservation reservation_;
    std::unique_ptr<WeightBytes> weights_;
    std::unique_ptr<const Executable> executable_;  ///< uses weights_
    std::shared_ptr<const Tokenizer> tokenizer_;
    Error no_tokenizer_;  ///< why tokenizer_ is null
    std::vector<Token> stop_tokens_;
    Result<std::shared_ptr<const ChatCodec>> chat_codec_{Error{}};
};

}  // namespace hadal::core
