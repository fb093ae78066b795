#include "engine/model.h"

#include <algorithm>
#include <map>
#include <set>

#include "engine/session.h"
#include "format/dtype.h"

namespace hadal::core {

namespace {

/// A checkpoint's program on devices, and what that costs; no weights yet.
struct Planned {
    Plan plan;
    ModelSummary summary;
};

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

/// Limits of a session with default options.
Limits default_limits(const ModelFacts &facts) {
    const RunLimits rows = run_limits(facts, facts.context, 0);
    return {.max_rows = rows.max_rows,
            .max_out = rows.max_out,
            .max_timelines = 1,
            .n_pages = facts.context / HADAL_PAGE_POSITIONS + 1,
            .max_context = facts.context};
}

Result<Planned> plan_model(const Runtime &runtime, const Checkpoint &checkpoint, const ModelOptions &options,
                           uint64_t available) {
    HADAL_TRY(DescribedModel described, describe_model(checkpoint, options.kv_dtype));
    const PlacementRules rules{.backend = options.backend, .fallback = options.fallback, .pins = options.pins};
    ModelSummary summary;
    summary.facts = described.facts;
    HADAL_TRY(Plan plan, make_plan(std::move(described.program), checkpoint, runtime.devices(), rules));
    count_weights(plan.program, checkpoint, summary);
    const Limits limits = default_limits(summary.facts);
    HADAL_TRY(const PlanBytes bytes, measure(plan, checkpoint, limits));
    for (const ValueId state : states(plan.program)) {
        summary.kv_bytes_per_page += page_bytes(plan.program, plan.program.values[state]);
    }
    summary.model_bytes = bytes.program;
    if (options.load == LoadMode::read) summary.model_bytes += summary.weight_bytes;
    summary.session_bytes = bytes.instance + uint64_t{limits.max_out} * summary.facts.n_vocab * sizeof(float);
    const uint64_t fixed = summary.model_bytes + summary.session_bytes;
    const uint64_t n_pages = available > fixed ? (available - fixed) / summary.kv_bytes_per_page : 0;
    summary.max_context =
        std::min<uint64_t>(summary.facts.context, std::min<uint64_t>(n_pages, limits.n_pages) * plan.program.page_size);
    return Planned{std::move(plan), std::move(summary)};
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

Result<ModelSummary> Model::inspect(const Runtime &runtime, const std::string &path, const ModelOptions &options) {
    HADAL_TRY(const Checkpoint checkpoint, Checkpoint::open(path));
    uint64_t available = runtime.budget()->available();
    if (options.memory_budget != 0) available = std::min(available, options.memory_budget);
    HADAL_TRY(Planned planned, plan_model(runtime, checkpoint, options, available));
    const Result<std::unique_ptr<const Tokenizer>> tokenizer = Tokenizer::open(checkpoint.metadata());
    planned.summary.has_tokenizer = static_cast<bool>(tokenizer);
    return std::move(planned.summary);
}

Result<std::shared_ptr<const Model>> Model::open(std::shared_ptr<const Runtime> runtime, const std::string &path,
                                                 const ModelOptions &options) {
    HADAL_TRY(Checkpoint checkpoint, Checkpoint::open(path));
    std::shared_ptr<Model> model(new Model(std::move(runtime), std::move(checkpoint)));
    HADAL_CHECK(model->open_tokenizer());
    model->budget_ = std::make_shared<MemoryBudget>("model", options.memory_budget, model->runtime_->budget());
    HADAL_TRY(Planned planned, plan_model(*model->runtime_, model->checkpoint_, options, model->budget_->available()));
    model->summary_ = std::move(planned.summary);
    model->summary_.has_tokenizer = model->tokenizer_ != nullptr;
    HADAL_CHECK(model->check_vocabulary());
    HADAL_CHECK(model->find_stop_tokens());
    log_fallbacks(*model->runtime_, planned.plan);
    HADAL_TRY(model->reservation_, Reservation::make(model->budget_, model->summary_.model_bytes, "the model"));
    HADAL_CHECK(options.watch.tick(0, model->summary_.weight_bytes));
    if (options.load == LoadMode::mmap) {
        HADAL_TRY(model->weights_, model->checkpoint_.map());
    } else {
        HADAL_TRY(model->weights_, model->checkpoint_.read(model->runtime_->allocator()));
    }
    const auto prepared = [&](uint64_t done, uint64_t total) { return options.watch.tick(done, total); };
    HADAL_TRY(model->executable_, Executable::create(std::move(planned.plan), model->checkpoint_, *model->weights_,
                                                     options.watch.stop, prepared));
    return std::shared_ptr<const Model>(std::move(model));
}

Result<void> Model::open_tokenizer() {
    Result<std::unique_ptr<const Tokenizer>> tokenizer = Tokenizer::open(checkpoint_.metadata());
    if (tokenizer) {
        tokenizer_ = *std::move(tokenizer);
        return {};
    }
    no_tokenizer_ = std::move(tokenizer.error());
    // A model without a vocabulary we read is still a model; a vocabulary that contradicts itself is a broken file.
    if (no_tokenizer_.status == Status::not_found || no_tokenizer_.status == Status::unsupported) return {};
    return no_tokenizer_;
}

Result<void> Model::check_vocabulary() const {
    if (!tokenizer_ || tokenizer_->size() == facts().n_vocab) return {};
    return error(Status::bad_format, checkpoint_.path(), ": the vocabulary has ", tokenizer_->size(),
                 " tokens, the embedding has ", facts().n_vocab, " rows");
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

Result<std::shared_ptr<const Tokenizer>> Model::tokenizer() const {
    if (!tokenizer_) return no_tokenizer_;
    return tokenizer_;
}

}  // namespace hadal::core
