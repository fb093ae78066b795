#include "engine/session.h"

#include <algorithm>

namespace hadal::core {

namespace {

/// Rows of one run: more gain nothing, and a run block's offsets have 32 bits.
constexpr uint32_t kMaxChunk = 1u << 16;

/// The system's memory is committed as it is touched. An application's allocator is asked for the whole cache at once.
PageCommit page_commit(const Runtime &runtime) {
    const bool lazy = runtime.allocator().allocate == Allocator::system().allocate;
    return lazy ? PageCommit::on_use : PageCommit::at_once;
}

/// The context a session gets: what was asked for, or the trained length as far as the budget reaches.
Result<uint64_t> choose_context(const Model &model, const SessionOptions &options, const MemoryBudget &budget) {
    const uint64_t trained = model.facts().context;
    if (options.context > trained && !options.extend) {
        return error(Status::invalid_argument, "context is ", options.context, ", the model's trained length is ",
                     trained, "; set extend to go beyond it");
    }
    if (options.context > kMaxContext) {
        return error(Status::invalid_argument, "context is ", options.context, ", at most ", kMaxContext);
    }
    if (options.context != 0) return options.context;
    const Program &program = model.executable().program();
    const uint64_t n_pages = budget.available() / page_bytes(program);
    const uint64_t affordable = std::min(n_pages, trained / program.page_size + 1) * program.page_size;
    if (affordable == 0) {
        return error(Status::out_of_memory, "the budget has ", budget.available(),
                     " bytes left, one page of the cache needs ", page_bytes(program));
    }
    return std::min(affordable, trained);
}

}  // namespace

Result<std::unique_ptr<Session>> Session::create(std::shared_ptr<const Model> model, const SessionOptions &options) {
    auto budget = std::make_shared<MemoryBudget>("session", options.memory_budget, model->budget());
    const uint64_t widest = options.context != 0 ? options.context : model->facts().context;
    if (options.chunk > widest) {
        return error(Status::invalid_argument, "chunk is ", options.chunk, ", the context has ", widest, " tokens");
    }
    const Executable &executable = model->executable();
    if (options.chunk > kMaxChunk) {
        return error(Status::invalid_argument, "chunk is ", options.chunk, ", at most ", kMaxChunk);
    }
    Limits limits = session_limits(model->facts(), std::min(widest, kMaxContext), options.chunk);
    HADAL_TRY(const PlanBytes bytes, measure(executable.plan(), executable.checkpoint(), limits));
    const uint64_t few_logits = logits_bytes(model->facts(), limits.max_out);
    HADAL_TRY(Reservation reservation, Reservation::make(budget, bytes.instance + few_logits, "a session's scratch"));
    HADAL_TRY(const uint64_t context, choose_context(*model, options, *budget));

    const uint32_t page_size = executable.program().page_size;
    limits.n_pages = static_cast<uint32_t>((context + page_size - 1) / page_size);
    HADAL_TRY(std::shared_ptr<KvCache> cache,
              KvCache::create(executable, limits.n_pages, budget, page_commit(model->runtime())));
    const Allocator &allocator = model->runtime().allocator();
    HADAL_TRY(std::unique_ptr<Runner> runner, Runner::create(executable, cache, limits, allocator));
    HADAL_TRY(Block logits, Block::make(allocator, few_logits, "logits"));

    std::unique_ptr<Session> session(new Session(std::move(model), std::move(budget), limits, std::move(cache),
                                                 std::move(runner), static_cast<size_t>(context)));
    session->reservation_ = std::move(reservation);
    session->logits_ = std::move(logits);
    return session;
}

Session::Session(std::shared_ptr<const Model> model, std::shared_ptr<MemoryBudget> budget, const Limits &limits,
                 std::shared_ptr<KvCache> cache, std::unique_ptr<Runner> runner, size_t context)
    : model_(std::move(model)),
      budget_(std::move(budget)),
      limits_(limits),
      cache_(std::move(cache)),
      runner_(std::move(runner)),
      timeline_(cache_, context) {}

Result<void> Session::check_tokens(std::span<const Token> tokens) const {
    const auto n_vocab = static_cast<Token>(model_->facts().n_vocab);
    for (size_t i = 0; i < tokens.size(); ++i) {
        if (tokens[i] < 0 || tokens[i] >= n_vocab) {
            return error(Status::invalid_argument, "token ", i, " is ", tokens[i], ", allowed are 0 to ", n_vocab - 1);
        }
    }
    return {};
}

Result<size_t> Session::sync(std::span<const Token> tokens) {
    HADAL_CHECK(check_tokens(tokens));
    const std::span<const Token> held = timeline_.tokens();
    const size_t most = std::min(held.size(), tokens.size());
    const auto differ = std::mismatch(tokens.begin(), tokens.begin() + static_cast<ptrdiff_t>(most), held.begin());
    const auto common = static_cast<size_t>(differ.first - tokens.begin());
    HADAL_CHECK(timeline_.replace_tail(common, tokens.subspan(common)));
    drop_logits_from(common);
    return timeline_.computed();
}

Result<void> Session::append(std::span<const Token> tokens) {
    HADAL_CHECK(check_tokens(tokens));
    return timeline_.append(tokens);
}

Result<void> Session::truncate(size_t n_tokens) {
    if (n_tokens > tokens().size()) {
        return error(Status::invalid_argument, "cannot keep ", n_tokens, " tokens, there are ", tokens().size());
    }
    timeline_.truncate(n_tokens);
    drop_logits_from(n_tokens);
    return {};
}

void Session::drop_logits_from(size_t n_tokens) {
    const size_t kept = n_tokens > first_logits_ ? n_tokens - first_logits_ : 0;
    n_logits_ = std::min(n_logits_, kept);
}

Result<void> Session::reserve(size_t n_tokens) {
    return timeline_.reserve(tokens().size() + n_tokens);
}

Result<bool> Session::eval(const EvalOptions &options) {
    if (options.chunk > limits_.max_rows) {
        return error(Status::invalid_argument, "chunk is ", options.chunk, ", the session's is ", limits_.max_rows);
    }
    const uint32_t chunk = options.chunk != 0 ? options.chunk : limits_.max_rows;
    if (computed() == tokens().size()) {
        const bool has_last = tokens().empty() || (n_logits_ > 0 && first_logits_ + n_logits_ == tokens().size());
        if (options.logits != LogitsOf::last || has_last) return false;
        timeline_.forget(tokens().size() - 1);  // compute the last token again, for its logits
    }
    if (options.logits == LogitsOf::all) {
        HADAL_CHECK(eval_all(options, std::min(chunk, limits_.max_out)));
        return true;
    }
    const size_t first = computed(), total = tokens().size() - first;
    while (computed() < tokens().size()) {
        HADAL_CHECK(options.watch.tick(computed() - first, total));
        const auto n_rows = static_cast<uint32_t>(std::min<size_t>(chunk, tokens().size() - computed()));
        const bool last_run = computed() + n_rows == tokens().size();
        const bool wanted = last_run && options.logits == LogitsOf::last;
        const RowRequest request{.timeline = &timeline_, .n_rows = n_rows, .n_out = wanted ? 1u : 0u};
        HADAL_CHECK(runner_->run({&request, 1}, options.watch.stop, logits_rows(0, request.n_out)));
        keep_logits(computed() - request.n_out, request.n_out);
    }
    return true;
}

Result<void> Session::eval_all(const EvalOptions &options, uint32_t chunk) {
    const size_t first = computed(), total = tokens().size() - first;
    const size_t row_bytes = logits_bytes(model_->facts(), 1);
    if (logits_.size() / row_bytes < total) {
        HADAL_TRY(Reservation reservation, Reservation::make(budget_, total * row_bytes, "logits of all tokens"));
        HADAL_TRY(Block block, Block::make(model_->runtime().allocator(), total * row_bytes, "logits of all tokens"));
        logits_ = std::move(block);
        logits_reservation_ = std::move(reservation);
    }
    keep_logits(first, 0);
    while (computed() < tokens().size()) {
        HADAL_CHECK(options.watch.tick(computed() - first, total));
        const auto n_rows = static_cast<uint32_t>(std::min<size_t>(chunk, tokens().size() - computed()));
        const RowRequest request{.timeline = &timeline_, .n_rows = n_rows, .n_out = n_rows};
        HADAL_CHECK(runner_->run({&request, 1}, options.watch.stop, logits_rows(n_logits_, n_rows)));
        keep_logits(first, n_logits_ + n_rows);
    }
    return {};
}

std::span<float> Session::logits_rows(size_t first, size_t n) const {
    const size_t n_vocab = model_->facts().n_vocab;
    return {reinterpret_cast<float *>(logits_.data()) + first * n_vocab, n * n_vocab};
}

void Session::keep_logits(size_t first, size_t n) {
    first_logits_ = first;
    n_logits_ = n;
}

Result<std::span<const float>> Session::logits(size_t first, size_t n) const {
    if (first < first_logits_ || first - first_logits_ > n_logits_ || n > n_logits_ - (first - first_logits_)) {
        return error(Status::not_found, "logits of tokens ", first, " to ", first + n, " were asked for, kept are ",
                     first_logits_, " to ", first_logits_ + n_logits_);
    }
    return std::span<const float>(logits_rows(first - first_logits_, n));
}

Result<std::span<const float>> Session::next_logits(const Watch &watch) {
    HADAL_CHECK(eval({.logits = LogitsOf::last, .chunk = 0, .watch = watch}));
    return logits(tokens().size() - 1, 1);
}

}  // namespace hadal::core
