// Sessions through the interface: logits kept, full contexts, chunks, budgets, who may call while a generator lives.
#include <doctest/doctest.h>

#include <algorithm>

#include "fixture.h"

using namespace hadal;
using namespace hadal::test;

namespace {

const std::vector<Token> kPrompt = {1, 263, 270, 261, 280, 3, 4, 5, 266, 271};

template <class T>
Status status_of(const Result<T> &result) {
    return result ? Status::ok : result.error().status();
}

RunOptions logits_of(Logits which, uint32_t chunk = 0) {
    RunOptions options;
    options.logits = which;
    options.chunk = chunk;
    return options;
}

}  // namespace

TEST_CASE("logits: of all, of the last, of none") {
    Place place;
    Session &session = place.session;
    session.append(kPrompt);
    CHECK(status_of(session.try_logits(0)) == Status::not_found);
    REQUIRE(session.eval(logits_of(Logits::all)));
    const std::vector<float> all = session.logits(0, kPrompt.size());
    const size_t n_vocab = place.model.info().n_vocab;
    REQUIRE(all.size() == kPrompt.size() * n_vocab);

    Session last = place.model.session();
    last.append(kPrompt);
    REQUIRE(last.eval());
    const std::vector<float> row = last.logits(kPrompt.size() - 1);
    CHECK(std::equal(row.begin(), row.end(), all.end() - static_cast<ptrdiff_t>(n_vocab)));
    CHECK(status_of(last.try_logits(kPrompt.size() - 2)) == Status::not_found);
    CHECK(status_of(last.try_logits(kPrompt.size())) == Status::not_found);

    const std::vector<Token> more = {264, 265};
    last.append(more);
    REQUIRE(last.eval(logits_of(Logits::none)));
    CHECK(status_of(last.try_logits(kPrompt.size() + 1)) == Status::not_found);
    CHECK_MESSAGE(status_of(last.try_logits(kPrompt.size() - 1)) == Status::not_found, "of an earlier eval");
}

TEST_CASE("chunks: the likeliest token does not depend on them") {
    Place place;
    std::vector<size_t> likeliest;
    for (const uint32_t chunk : {1u, 3u, 0u}) {
        Session session = place.model.session();
        session.append(kPrompt);
        session.eval(logits_of(Logits::last, chunk));
        const std::vector<float> row = session.logits(kPrompt.size() - 1);
        likeliest.push_back(static_cast<size_t>(std::max_element(row.begin(), row.end()) - row.begin()));
    }
    CHECK(likeliest[0] == likeliest[1]);
    CHECK(likeliest[0] == likeliest[2]);
    SessionOptions narrow;
    narrow.chunk = 4;
    Session session = place.model.session(narrow);
    session.append(kPrompt);
    CHECK(status_of(session.try_eval(logits_of(Logits::last, 5))) == Status::invalid_argument);
    CHECK(session.eval(logits_of(Logits::last, 4)));
}

TEST_CASE("sync: reuses the common beginning and no more") {
    Place place;
    Session &session = place.session;
    session.append(kPrompt);
    session.eval();
    std::vector<Token> changed = kPrompt;
    changed[6] = 200;
    CHECK(session.sync(changed) == 6);
    CHECK(session.tokens() == changed);
    session.eval();
    const std::vector<float> reused = session.logits(changed.size() - 1);
    Session fresh = place.model.session();
    fresh.append(changed);
    fresh.eval();
    CHECK(fresh.logits(changed.size() - 1) == reused);
    CHECK(session.sync(changed) == changed.size());
    CHECK_FALSE(session.eval());
    CHECK(session.sync(std::vector<Token>{}) == 0);
    CHECK(session.length() == 0);
}

TEST_CASE("ids out of range change nothing") {
    Place place;
    Session &session = place.session;
    session.append(kPrompt);
    const auto n_vocab = static_cast<Token>(place.model.info().n_vocab);
    for (const Token wrong : {-1, n_vocab, INT32_MIN, INT32_MAX}) {
        const std::vector<Token> tokens = {1, wrong};
        CHECK(status_of(session.try_append(tokens)) == Status::invalid_argument);
        CHECK(status_of(session.try_sync(tokens)) == Status::invalid_argument);
        CHECK(session.tokens() == kPrompt);
    }
}

TEST_CASE("context full: a status, and the session goes on") {
    Place place;
    SessionOptions options;
    options.context = 12;
    Session session = place.model.session(options);
    session.append(kPrompt);
    const std::vector<Token> three(3, 270), two(2, 270);
    const auto refused = session.try_append(three);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().status() == Status::context_full);
    CHECK(std::string(refused.error().what()).find("12") != std::string::npos);
    CHECK(session.tokens() == kPrompt);
    session.append(two);
    CHECK(session.eval());

    const uint64_t trained = place.model.info().context_tokens;
    options.context = trained + 1;
    CHECK(status_of(place.model.try_session(options)) == Status::invalid_argument);
    options.extend = true;
    CHECK(place.model.try_session(options));
    options.context = 4;
    options.chunk = 5;
    CHECK(status_of(place.model.try_session(options)) == Status::invalid_argument);
}

TEST_CASE("a generator borrows its session: every call on it is busy") {
    Place place;
    Session &session = place.session;
    session.append(kPrompt);
    {
        const Generator generator = session.generate();
        CHECK(status_of(session.try_append(kPrompt)) == Status::busy);
        CHECK(status_of(session.try_sync(kPrompt)) == Status::busy);
        CHECK(status_of(session.try_truncate(0)) == Status::busy);
        CHECK(status_of(session.try_length()) == Status::busy);
        CHECK(status_of(session.try_tokens()) == Status::busy);
        CHECK(status_of(session.try_eval()) == Status::busy);
        CHECK(status_of(session.try_logits(0)) == Status::busy);
        CHECK(status_of(session.try_generate()) == Status::busy);
    }
    CHECK(session.length() == kPrompt.size());
    // A generator that could not be made gives the session back too.
    GenerateOptions wrong;
    wrong.sampling.temperature = -1;
    CHECK(status_of(session.try_generate(wrong)) == Status::invalid_argument);
    CHECK(session.length() == kPrompt.size());
    session.truncate(0);
    CHECK(status_of(session.try_generate()) == Status::invalid_argument);
    CHECK(session.length() == 0);
}

TEST_CASE("progress: its value ends the eval, and comes back") {
    Place place;
    place.session.append(kPrompt);
    hadal_progress progress = {};
    progress.struct_size = sizeof progress;
    progress.report = [](void *, uint64_t done, uint64_t) { return done >= 4 ? 77 : 0; };
    hadal_run_options run = {};
    run.struct_size = sizeof run;
    run.chunk = 2;
    run.progress = &progress;
    hadal_error err;
    REQUIRE(hadal_session_eval(place.session.get(), &run, &err) == HADAL_CALLBACK);
    CHECK(err.detail == 77);
    CHECK(place.session.length() == kPrompt.size());
    CHECK(place.session.eval());  // the rest
    CHECK_FALSE(place.session.eval());
}

TEST_CASE("logits option: unknown values are refused") {
    Place place;
    place.session.append(kPrompt);
    for (const int32_t wrong : {-1, 3}) {
        CHECK(status_of(place.session.try_eval(logits_of(static_cast<Logits>(wrong)))) == Status::invalid_argument);
    }
}
