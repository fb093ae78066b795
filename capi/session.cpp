// Sessions: every call first asks whether a generator has borrowed the session.
#include "engine/session.h"

#include "buffers.h"
#include "guard.h"
#include "handles.h"
#include "structs.h"
#include "watch.h"

using namespace hadal;
using core::Result;

namespace {

/// The session behind a handle. Fails: invalid_argument (null), busy.
Result<core::Session *> open_session(const hadal_session *session) {
    HADAL_CHECK(capi::require(session, "session"));
    if (session->shared->borrowed.load(std::memory_order_acquire)) {
        return core::error(core::Status::busy, "a generator has borrowed the session; release it first");
    }
    return session->shared->session.get();
}

Result<core::SessionOptions> read_options(const hadal_session_options *from) {
    HADAL_TRY(const hadal_session_options given, capi::read_struct(from));
    HADAL_CHECK(capi::require_range(given.extend, 0, 1, "hadal_session_options.extend"));
    HADAL_CHECK(capi::require_zero(given.reserved, "hadal_session_options.reserved"));
    core::SessionOptions options;
    options.context = given.context;
    options.chunk = given.chunk;
    options.extend = given.extend == 1;
    options.memory_budget = given.memory_budget;
    return options;
}

core::LogitsOf logits_of(int32_t value) {
    switch (value) {
        case HADAL_LOGITS_NONE:
            return core::LogitsOf::none;
        case HADAL_LOGITS_ALL:
            return core::LogitsOf::all;
        default:
            return core::LogitsOf::last;
    }
}

}  // namespace

hadal_status hadal_session_create(const hadal_model *model, const hadal_session_options *options, hadal_session **out,
                                  hadal_error *err) {
    return capi::guard_create(out, err, [&]() -> Result<hadal_session> {
        HADAL_CHECK(capi::require(model, "model"));
        HADAL_TRY(const core::SessionOptions checked, read_options(options));
        auto shared = std::make_shared<capi::SharedSession>();
        HADAL_TRY(shared->session, core::Session::create(model->model, checked));
        return hadal_session{std::move(shared)};
    });
}

void hadal_session_release(hadal_session *session) {
    delete session;
}

hadal_status hadal_session_sync(hadal_session *session, const hadal_token *tokens, size_t n, size_t *n_reused,
                                hadal_error *err) {
    return capi::guard(err, [&]() -> Result<void> {
        HADAL_TRY(core::Session * timeline, open_session(session));
        HADAL_CHECK(capi::require_array(tokens, n, "tokens"));
        HADAL_TRY(const size_t reused, timeline->sync({tokens, n}));
        if (n_reused != nullptr) *n_reused = reused;
        return {};
    });
}

hadal_status hadal_session_append(hadal_session *session, const hadal_token *tokens, size_t n, hadal_error *err) {
    return capi::guard(err, [&]() -> Result<void> {
        HADAL_TRY(core::Session * timeline, open_session(session));
        HADAL_CHECK(capi::require_array(tokens, n, "tokens"));
        return timeline->append({tokens, n});
    });
}

hadal_status hadal_session_truncate(hadal_session *session, size_t n_tokens, hadal_error *err) {
    return capi::guard(err, [&]() -> Result<void> {
        HADAL_TRY(core::Session * timeline, open_session(session));
        return timeline->truncate(n_tokens);
    });
}

hadal_status hadal_session_length(const hadal_session *session, size_t *n, hadal_error *err) {
    return capi::guard(err, [&]() -> Result<void> {
        HADAL_TRY(const core::Session *timeline, open_session(session));
        HADAL_CHECK(capi::require(n, "n"));
        *n = timeline->tokens().size();
        return {};
    });
}

hadal_status hadal_session_tokens(const hadal_session *session, size_t first, hadal_token *out, size_t cap, size_t *n,
                                  hadal_error *err) {
    return capi::guard(err, [&]() -> Result<void> {
        HADAL_TRY(const core::Session *timeline, open_session(session));
        HADAL_CHECK(capi::require_buffer(out, cap, n, "n"));
        const auto tokens = timeline->tokens();
        if (first > tokens.size()) {
            return core::error(core::Status::invalid_argument, "first is ", first, ", the session has ", tokens.size(),
                               " tokens");
        }
        return capi::copy_out(tokens.subspan(first), out, cap, n);
    });
}

hadal_status hadal_session_eval(hadal_session *session, const hadal_run_options *options, hadal_error *err) {
    return capi::guard(err, [&]() -> Result<core::Status> {
        HADAL_TRY(core::Session * timeline, open_session(session));
        HADAL_TRY(const hadal_run_options given, capi::read_struct(options));
        HADAL_CHECK(capi::require_range(given.logits, HADAL_LOGITS_LAST, HADAL_LOGITS_ALL, "hadal_run_options.logits"));
        HADAL_CHECK(capi::require_zero(given.reserved, "hadal_run_options.reserved"));
        HADAL_TRY(const capi::CallWatch call, capi::read_watch(given.progress, given.cancel));
        core::EvalOptions run;
        run.logits = logits_of(given.logits);
        run.chunk = given.chunk;
        run.watch = call.watch;
        HADAL_TRY(const bool computed, timeline->eval(run));
        return computed ? core::Status::ok : core::Status::done;
    });
}

hadal_status hadal_session_logits(const hadal_session *session, size_t first, size_t n, float *out, size_t cap,
                                  hadal_error *err) {
    return capi::guard(err, [&]() -> Result<void> {
        HADAL_TRY(const core::Session *timeline, open_session(session));
        HADAL_CHECK(capi::require_array(out, cap, "out"));
        HADAL_TRY(const auto logits, timeline->logits(first, n));
        size_t length = 0;
        return capi::copy_out(logits, out, cap, &length);
    });
}
