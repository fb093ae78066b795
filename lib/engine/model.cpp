#include "engine/model.h"

#include <algorithm>
#include <map>
#include <set>

#include "format/dtype.h"

namespace hadal::core {

namespace {

uint64_t elements(const TensorInfo &tensor) {
    uint64_t n = 1;
    for (const int64_t dim : tensor.dims) n *= static_cast<uint64_t>(dim);
    return n;
}

/// What the weights of a program hold, and what of them one token touches: everything but the rows of a gathered table
/// that it does not read.
void count_weights(const Program &program, const Checkpoint &checkpoint, ModelSummary &summary) {
    std::set<uint32_t> all, whole, gathered;
    for (const Op &op : program.ops) {
        for (const ValueId id : op.inputs) {
            const Value &value = program.values[id];
            all.insert(value.tensors.begin(), value.tensors.end());
            if (op.opcode != HADAL_OP_GATHER_ROWS) {
                whole.insert(value.tensors.begin(), value.tensors.end());
            } else {
                gathered.insert(value.tensors.begin(), value.tensors.end());
            }
        }
    }
    std::map<uint32_t, uint64_t> bytes_of_type;
    for (const uint32_t tensor_i : all) {
        const TensorInfo &tensor = checkpoint.tensors()[tensor_i];
        summary.n_parameters += elements(tensor);
        summary.weight_bytes += tensor.bytes;
        bytes_of_type[tensor.dtype] += tensor.bytes;
    }
    for (const uint32_t tensor_i : whole) {
        summary.n_active_parameters += elements(checkpoint.tensors()[tensor_i]);
        summary.weight_bytes_per_token += checkpoint.tensors()[tensor_i].bytes;
    }
    for (const uint32_t tensor_i : gathered) {
        if (whole.contains(tensor_i)) continue;  // a head tied to the embedding
        const TensorInfo &table = checkpoint.tensors()[tensor_i];
        summary.n_active_parameters += elements(table) / static_cast<uint64_t>(table.dims.front());
        summary.weight_bytes_per_token += table.bytes / static_cast<uint64_t>(table.dims.front());
    }
    const auto most = std::max_element(bytes_of_type.begin(), bytes_of_type.end(),
                                       [](const auto &a, const auto &b) { return a.second < b.second; });
    summary.weight_type = dtype_info(most->first)->name;
}

/// Every refusal that moved an op away from the device that was asked first, as a line in the log.
void log_fallbacks(const Runtime &runtime, const Plan &plan) {
    for (const Refusal &refusal : plan.placement.refusals) {
        const Op &op = plan.program.ops[refusal.op_i];
        runtime.log().write(LogLevel::warning, "op ", refusal.op_i, " ", op_name(op.opcode), " '",
                            plan.program.values[op.outputs.front()].name, "' is not on ",
                            plan.devices[refusal.device_i]->backend(), ": ", refusal.reason);
    }
}

}  // namespace

Model::Model(std::shared_ptr<const Runtime> runtime, Checkpoint checkpoint)
    : runtime_(std::move(runtime)), checkpoint_(std::move(checkpoint)) {}

Result<ModelSummary> Model::inspect(std::shared_ptr<const Runtime> runtime, const std::string &path,
                                    const ModelOptions &options) {
    HADAL_TRY(const Planned planned, plan(std::move(runtime), path, options));
    return planned.model->summary_;
}

Result<std::shared_ptr<const Model>> Model::open(std::shared_ptr<const Runtime> runtime, const std::string &path,
                                                 const ModelOptions &options) {
    HADAL_TRY(Planned planned, plan(std::move(runtime), path, options));
    Model &model = *planned.model;
    log_fallbacks(*model.runtime_, planned.plan);
    HADAL_TRY(model.reservation_, Reservation::make(model.budget_, model.summary_.model_bytes, "the model"));
    Watch preparing = options.watch;
    if (options.load == LoadMode::mmap) {
        HADAL_TRY(model.weights_, model.checkpoint_.map());
    } else {
        HADAL_TRY(model.weights_, model.checkpoint_.read(model.runtime_->allocator(), options.watch));
        preparing.report = nullptr;  // all is read, and one open has one total
    }
    HADAL_TRY(model.executable_,
              Executable::create(std::move(planned.plan), model.checkpoint_, *model.weights_, preparing));
    return std::shared_ptr<const Model>(std::move(planned.model));
}

Result<Model::Planned> Model::plan(std::shared_ptr<const Runtime> runtime, const std::string &path,
                                   const ModelOptions &options) {
    HADAL_TRY(Checkpoint checkpoint, Checkpoint::open(path));
    std::unique_ptr<Model> model(new Model(std::move(runtime), std::move(checkpoint)));
    model->budget_ = std::make_shared<MemoryBudget>("model", options.memory_budget, model->runtime_->budget());
    HADAL_TRY(DescribedModel described, describe_model(model->checkpoint_, options.kv_dtype));
    ModelSummary &summary = model->summary_;
    summary.facts = std::move(described.facts);
    HADAL_CHECK(model->open_tokenizer());
    HADAL_CHECK(model->find_stop_tokens());

    const PlacementRules rules{.backend = options.backend, .fallback = options.fallback, .pins = options.pins};
    HADAL_TRY(Plan plan,
              make_plan(std::move(described.program), model->checkpoint_, model->runtime_->devices(), rules));
    count_weights(plan.program, model->checkpoint_, summary);
    const Limits limits = session_limits(summary.facts, summary.facts.context, 0);
    HADAL_TRY(const PlanBytes bytes, measure(plan, model->checkpoint_, limits));
    summary.kv_bytes_per_page = page_bytes(plan.program);
    summary.model_bytes = bytes.program;
    if (options.load == LoadMode::read) summary.model_bytes += model->checkpoint_.read_bytes();
    summary.session_bytes = bytes.instance + logits_bytes(summary.facts, limits.max_out);
    const uint64_t available = model->budget_->available(), fixed = summary.model_bytes + summary.session_bytes;
    const uint64_t n_pages = available > fixed ? (available - fixed) / summary.kv_bytes_per_page : 0;
    const uint64_t affordable = std::min<uint64_t>(n_pages, limits.n_pages) * plan.program.page_size;
    summary.max_context = std::min<uint64_t>(summary.facts.context, affordable);
    return Planned{std::move(model), std::move(plan)};
}

Result<void> Model::open_tokenizer() {
    Result<std::unique_ptr<const Tokenizer>> tokenizer = Tokenizer::open(checkpoint_.metadata());
    if (!tokenizer) {
        no_tokenizer_ = std::move(tokenizer.error());
        // A model without a vocabulary we read is still a model; one that contradicts itself is a broken file.
        const bool absent = no_tokenizer_.status == Status::not_found || no_tokenizer_.status == Status::unsupported;
        return absent ? Result<void>() : no_tokenizer_;
    }
    if ((*tokenizer)->size() != facts().n_vocab) {
        return error(Status::bad_format, checkpoint_.path(), ": the vocabulary has ", (*tokenizer)->size(),
                     " tokens, the embedding has ", facts().n_vocab, " rows");
    }
    tokenizer_ = *std::move(tokenizer);
    summary_.has_tokenizer = true;
    return {};
}

Result<void> Model::find_stop_tokens() {
    if (tokenizer_) {
        stop_tokens_ = tokenizer_->special().stops;
        return {};
    }
    // config.json: eos_token_id is a number or a list of them.
    const Metadata &metadata = checkpoint_.metadata();
    constexpr const char *kKey = "eos_token_id";
    if (checkpoint_.format() != CheckpointFormat::hugging_face || !metadata.has(kKey)) return {};
    std::vector<int64_t> ids;
    if (std::holds_alternative<std::vector<int64_t>>(*metadata.find(kKey))) {
        HADAL_TRY(const std::vector<int64_t> *list, metadata.integers(kKey));
        ids = *list;
    } else {
        HADAL_TRY(const uint64_t id, metadata.uint(kKey, 0, facts().n_vocab - 1));
        ids.push_back(static_cast<int64_t>(id));
    }
    for (const int64_t id : ids) {
        if (id < 0 || id >= facts().n_vocab) {
            return error(Status::bad_format, metadata.file(), ": '", kKey, "' is ", id, ", allowed are 0 to ",
                         facts().n_vocab - 1);
        }
        stop_tokens_.push_back(static_cast<Token>(id));
    }
    return {};
}

Limits session_limits(const ModelFacts &facts, uint64_t context, uint32_t chunk) {
    // Enough rows that weights are read seldom, few enough that scratch stays small and a cancel is near.
    constexpr uint64_t kChunk = 256;
    constexpr uint64_t kLogitsBytes = 16u << 20;
    const uint64_t max_rows = std::min(chunk != 0 ? chunk : kChunk, context);
    const uint64_t rows_of_logits = std::max<uint64_t>(1, kLogitsBytes / logits_bytes(facts, 1));
    return {.max_rows = static_cast<uint32_t>(max_rows),
            .max_out = static_cast<uint32_t>(std::min(max_rows, rows_of_logits)),
            .max_timelines = 1,
            .n_pages = static_cast<uint32_t>((context + HADAL_PAGE_POSITIONS - 1) / HADAL_PAGE_POSITIONS),
            .max_context = static_cast<uint32_t>(context)};
}

uint64_t logits_bytes(const ModelFacts &facts, uint64_t n_rows) {
    return n_rows * facts.n_vocab * sizeof(float);
}

Result<std::string> Model::plan_json() const {
    const Limits limits = session_limits(facts(), facts().context, 0);
    HADAL_TRY(const PlanBytes bytes, measure(executable_->plan(), checkpoint_, limits));
    return core::plan_json(executable_->plan(), bytes);
}

Result<std::shared_ptr<const Tokenizer>> Model::tokenizer() const {
    if (!tokenizer_) return no_tokenizer_;
    return tokenizer_;
}

}  // namespace hadal::core
