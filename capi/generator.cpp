// Generators: the longest options of the interface, and one pull.
#include "engine/generator.h"

#include "guard.h"
#include "handles.h"
#include "structs.h"
#include "watch.h"

using namespace hadal;
using core::Result;

namespace {

static_assert(static_cast<int32_t>(core::GeneratorEventKind::token) == HADAL_EVENT_TOKEN &&
              static_cast<int32_t>(core::GeneratorEventKind::stop) == HADAL_EVENT_STOP &&
              static_cast<int32_t>(core::GeneratorEventKind::reasoning) == HADAL_EVENT_REASONING &&
              static_cast<int32_t>(core::GeneratorEventKind::content) == HADAL_EVENT_CONTENT &&
              static_cast<int32_t>(core::GeneratorEventKind::call_begin) == HADAL_EVENT_TOOL_CALL_BEGIN &&
              static_cast<int32_t>(core::GeneratorEventKind::call_arguments) == HADAL_EVENT_TOOL_CALL_ARGUMENTS &&
              static_cast<int32_t>(core::GeneratorEventKind::call_end) == HADAL_EVENT_TOOL_CALL_END &&
              static_cast<int32_t>(core::StopReason::mark) == HADAL_STOP_MARK);

/// Translation only: the engine knows which values a sampler takes.
Result<core::Sampling> read_sampling(const hadal_sampling *from) {
    HADAL_TRY(const hadal_sampling given, capi::read_struct(from));
    HADAL_CHECK(capi::require_zero(given.reserved, "hadal_sampling.reserved"));
    HADAL_CHECK(capi::require_array(given.logit_bias, given.n_logit_bias, "hadal_sampling.logit_bias"));
    core::Sampling sampling;
    sampling.temperature = given.temperature;
    sampling.top_k = given.top_k;
    sampling.top_p = given.top_p;
    sampling.min_p = given.min_p;
    sampling.repetition_penalty = given.repetition_penalty;
    sampling.presence_penalty = given.presence_penalty;
    sampling.frequency_penalty = given.frequency_penalty;
    sampling.penalty_window = given.penalty_window;
    sampling.seed = given.seed;
    for (size_t i = 0; i < given.n_logit_bias; ++i) {
        sampling.logit_bias.push_back({given.logit_bias[i].token, given.logit_bias[i].bias});
    }
    return sampling;
}

Result<std::vector<std::string>> read_stop_strings(const hadal_generate_options &given) {
    HADAL_CHECK(capi::require_array(given.stop_strings, given.n_stop_strings, "hadal_generate_options.stop_strings"));
    std::vector<std::string> strings;
    for (size_t i = 0; i < given.n_stop_strings; ++i) {
        const hadal_text &text = given.stop_strings[i];
        HADAL_CHECK(capi::require_array(text.data, text.length, "hadal_text.data"));
        strings.emplace_back(std::string_view(text.data, text.length));
    }
    return strings;
}

Result<core::GenerateOptions> read_options(const hadal_generate_options &given) {
    HADAL_CHECK(capi::require_range(given.ignore_eos, 0, 1, "hadal_generate_options.ignore_eos"));
    HADAL_CHECK(capi::require_array(given.stop_tokens, given.n_stop_tokens, "hadal_generate_options.stop_tokens"));
    core::GenerateOptions options;
    options.max_tokens = given.max_tokens;
    options.ignore_eos = given.ignore_eos == 1;
    HADAL_TRY(options.sampling, read_sampling(given.sampling));
    options.stop_tokens.assign(given.stop_tokens, given.stop_tokens + given.n_stop_tokens);
    HADAL_TRY(options.stop_strings, read_stop_strings(given));
    if (given.parser != nullptr) options.parser.emplace(given.parser->parser);
    return options;
}

/// Fails: busy (another generator has it).
Result<hadal_generator::Loan> borrow(const std::shared_ptr<capi::SharedSession> &shared) {
    if (shared->borrowed.exchange(true, std::memory_order_acquire)) {
        return core::error(core::Status::busy, "another generator has borrowed the session; release it first");
    }
    return hadal_generator::Loan(shared);
}

}  // namespace

hadal_status hadal_generator_create(hadal_session *session, const hadal_generate_options *options,
                                    hadal_generator **out, hadal_error *err) {
    return capi::guard_create(out, err, [&]() -> Result<hadal_generator> {
        HADAL_CHECK(capi::require(session, "session"));
        HADAL_TRY(hadal_generator::Loan loan, borrow(session->shared));
        core::Session &timeline = *session->shared->session;
        HADAL_TRY(const hadal_generate_options given, capi::read_struct(options));
        HADAL_TRY(core::GenerateOptions checked, read_options(given));
        HADAL_TRY(capi::CallWatch call, capi::read_watch(given.progress, given.cancel));
        checked.watch = call.watch;
        HADAL_TRY(auto generator, core::Generator::create(timeline, std::move(checked)));
        return hadal_generator{std::move(loan), std::move(call.stop), std::move(generator)};
    });
}

hadal_status hadal_generator_next(hadal_generator *generator, hadal_event *out, hadal_error *err) {
    return capi::guard(err, [&]() -> Result<core::Status> {
        HADAL_CHECK(capi::require(generator, "generator"));
        HADAL_CHECK(capi::require(out, "out"));
        HADAL_CHECK(capi::check_struct(out));
        HADAL_TRY(const std::optional<core::GeneratorEvent> next, generator->generator->next());
        if (!next) return core::Status::done;
        hadal_event event = {};
        event.kind = static_cast<int32_t>(next->kind);
        event.token = next->token;
        event.stop_reason = static_cast<int32_t>(next->stop);
        event.text = next->text.empty() ? "" : next->text.data();
        event.text_length = next->text.size();
        event.call_index = static_cast<uint32_t>(next->call_i);
        event.flags = next->is_malformed ? HADAL_EVENT_MALFORMED : 0;
        capi::write_struct(event, out);
        return core::Status::ok;
    });
}

hadal_status hadal_generator_stats(const hadal_generator *generator, hadal_stats *out, hadal_error *err) {
    return capi::guard(err, [&]() -> Result<void> {
        HADAL_CHECK(capi::require(generator, "generator"));
        HADAL_CHECK(capi::require(out, "out"));
        HADAL_CHECK(capi::check_struct(out));
        const core::GeneratorStats &counted = generator->generator->stats();
        hadal_stats stats = {};
        stats.prefill_tokens = counted.prefill_tokens;
        stats.prefill_ns = counted.prefill_ns;
        stats.decode_tokens = counted.decode_tokens;
        stats.decode_ns = counted.decode_ns;
        stats.sample_ns = counted.sample_ns;
        stats.copied_bytes = counted.copied_bytes;
        capi::write_struct(stats, out);
        return {};
    });
}

void hadal_generator_release(hadal_generator *generator) {
    delete generator;
}
