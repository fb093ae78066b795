#include "engine/model.h"

#include <algorithm>
#include <map>

#include "base/file.h"
#include "format/config_json.h"
#include "format/dtype.h"
#include "plan/weight_facts.h"

namespace hadal::core {

namespace {

/// Every refusal that moved an op away from the device that was asked first, or took it apart, as a line in the log.
void log_fallbacks(const Runtime &runtime, const Plan &plan) {
    std::map<uint32_t, uint32_t> device_of;  // by op of the described program
    for (size_t i = 0; i < plan.placement.origin.size(); ++i) {
        device_of[plan.placement.origin[i].op_i] = plan.placement.device_of_op[i];
    }
    for (const Refusal &refusal : plan.placement.refusals) {
        const bool there = device_of[refusal.op_i] == refusal.device_i;
        runtime.log().write(there ? LogLevel::info : LogLevel::warning, "op ", refusal.op_i, " ", refusal.op,
                            there ? " is in pieces on " : " is not on ", plan.devices[refusal.device_i]->backend(),
                            ": ", refusal.reason);
    }
}

/// eos_token_id of a config: a number or a list of them.
Result<void> add_stops(const Metadata &metadata, int64_t n_vocab, std::vector<Token> &stops) {
    constexpr const char *kKey = "eos_token_id";
    const MetaValue *value = metadata.find(kKey);
    if (value == nullptr) return {};
    std::vector<int64_t> ids;
    if (std::holds_alternative<std::vector<int64_t>>(*value)) {
        ids = std::get<std::vector<int64_t>>(*value);
    } else {
        HADAL_TRY(const uint64_t id, metadata.uint(kKey, 0, static_cast<uint64_t>(n_vocab) - 1));
        ids.push_back(static_cast<int64_t>(id));
    }
    for (const int64_t id : ids) {
        if (id < 0 || id >= n_vocab) {
            return error(Status::bad_format, metadata.file(), ": '", kKey, "' is ", id, ", allowed are 0 to ",
                         n_vocab - 1);
        }
        stops.push_back(static_cast<Token>(id));
    }
    return {};
}

}  // namespace

Model::Model(std::shared_ptr<const Runtime> runtime, Checkpoint checkpoint)
    : runtime_(std::move(runtime)), checkpoint_(std::move(checkpoint)) {}

Result<ModelSummary> Model::inspect(std::shared_ptr<const Runtime> runtime, const std::string &path,
                                    const ModelOptions &options) {
    HADAL_TRY(Checkpoint checkpoint, Checkpoint::open(path, Weights::optional));
    HADAL_TRY(const Planned planned, plan(std::move(runtime), std::move(checkpoint), options));
    return planned.model->summary_;
}

Result<std::shared_ptr<const Model>> Model::open(std::shared_ptr<const Runtime> runtime, const std::string &path,
                                                 const ModelOptions &options) {
    HADAL_TRY(Checkpoint checkpoint, Checkpoint::open(path));
    HADAL_TRY(Planned planned, plan(std::move(runtime), std::move(checkpoint), options));
    Model &model = *planned.model;
    if (model.facts().n_mtp_layers > 0) {
        model.runtime_->log().write(LogLevel::info, path, ": its layers from ", model.facts().n_layers, " on, ",
                                    model.facts().n_mtp_layers, " that predict further tokens, are not used");
    }
    log_fallbacks(*model.runtime_, planned.plan);
    model.read_chat_codec();
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

Result<Model::Planned> Model::plan(std::shared_ptr<const Runtime> runtime, Checkpoint checkpoint,
                                   const ModelOptions &options) {
    std::unique_ptr<Model> model(new Model(std::move(runtime), std::move(checkpoint)));
    model->budget_ = std::make_shared<MemoryBudget>("model", options.memory_budget, model->runtime_->budget());
    HADAL_TRY(DescribedModel described, describe_model(model->checkpoint_, options.kv_dtype));
    ModelSummary &summary = model->summary_;
    summary.facts = std::move(described.facts);
    HADAL_CHECK(model->open_tokenizer());
    HADAL_CHECK(model->find_stop_tokens());

    const PlacementRules rules{.backend = options.backend, .fallback = options.fallback, .pins = options.pins};
    HADAL_TRY(Plan plan, make_plan(described.program, model->checkpoint_, model->runtime_->devices(), rules));
    const WeightFacts weights = weight_facts(described.program);
    summary.weight_type = dtype_info(weights.dtype)->name;
    summary.n_parameters = weights.n_parameters;
    summary.n_active_parameters = weights.n_active_parameters;
    summary.weight_bytes = weights.bytes;
    summary.weight_bytes_per_token = weights.active_bytes;
    const Limits limits = session_limits(summary.facts, summary.facts.context, 0);
    HADAL_TRY(const PlanBytes bytes, measure(plan, model->checkpoint_, limits));
    summary.kv_bytes_per_page = page_bytes(plan.program());
    summary.model_bytes = bytes.program;
    if (options.load == LoadMode::read) summary.model_bytes += model->checkpoint_.read_bytes();
    summary.session_bytes = bytes.instance + logits_bytes(summary.facts, limits.max_out);
    const uint64_t available = model->budget_->available(), fixed = summary.model_bytes + summary.session_bytes;
    const uint64_t n_pages = available > fixed ? (available - fixed) / summary.kv_bytes_per_page : 0;
    const uint64_t affordable = std::min<uint64_t>(n_pages, limits.n_pages) * plan.program().page_size;
    summary.max_context = std::min<uint64_t>(summary.facts.context, affordable);
    return Planned{std::move(model), std::move(plan)};
}

Result<void> Model::open_tokenizer() {
    const bool is_folder = checkpoint_.format() == CheckpointFormat::hugging_face;
    Result<std::unique_ptr<const Tokenizer>> tokenizer =
        is_folder ? Tokenizer::open_for_rows(checkpoint_.path(), facts().n_vocab)
                  : Tokenizer::open(checkpoint_.metadata());
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

/// A template that cannot be read takes nothing from the model but its chats.
void Model::read_chat_codec() {
    auto source = ChatSource::of(checkpoint_);
    if (source) {
        chat_codec_ = ChatCodec::of(*std::move(source));
    } else {
        chat_codec_ = std::move(source.error());
    }
}

Result<void> Model::find_stop_tokens() {
    if (tokenizer_) stop_tokens_ = tokenizer_->special().stops;
    if (checkpoint_.format() == CheckpointFormat::hugging_face) {
        HADAL_CHECK(add_stops(checkpoint_.metadata(), facts().n_vocab, stop_tokens_));
        HADAL_TRY(const Folder folder, Folder::open(checkpoint_.path()));
        const auto file = folder.open_file("generation_config.json");
        if (!file && file.error().status != Status::not_found) return file.error();
        if (file) {
            HeaderMemory memory(file->path());
            HADAL_TRY(const Metadata metadata, read_config_json(*file, memory));
            HADAL_CHECK(add_stops(metadata, facts().n_vocab, stop_tokens_));
        }
    }
    std::sort(stop_tokens_.begin(), stop_tokens_.end());
    stop_tokens_.erase(std::unique(stop_tokens_.begin(), stop_tokens_.end()), stop_tokens_.end());
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
