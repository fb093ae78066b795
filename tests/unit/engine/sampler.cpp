// Every step against what it is defined to be, and the draw against exact probabilities.
#include "engine/sampler.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <set>

using namespace hadal::core;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

using Logits = std::vector<float>;
using Tokens = std::vector<Token>;

Sampling with_temperature(float temperature) {
    Sampling sampling;
    sampling.temperature = temperature;
    sampling.seed = 42;
    return sampling;
}

Token sample_once(const Sampling &sampling, const Logits &logits, const Tokens &seen = {}) {
    REQUIRE(validate(sampling, logits.size()));
    Sampler sampler(sampling, logits.size());
    auto token = sampler.sample(logits, seen);
    REQUIRE_MESSAGE(token, (token ? "" : token.error().message));
    return *token;
}

std::vector<size_t> histogram(const Sampling &sampling, const Logits &logits, size_t n_draws) {
    REQUIRE(validate(sampling, logits.size()));
    Sampler sampler(sampling, logits.size());
    std::vector<size_t> counts(logits.size());
    for (size_t i = 0; i < n_draws; ++i) {
        auto token = sampler.sample(logits, {});
        REQUIRE(token);
        ++counts[static_cast<size_t>(*token)];
    }
    return counts;
}

/// The tokens that are ever drawn.
std::set<Token> support(const Sampling &sampling, const Logits &logits) {
    std::set<Token> tokens;
    const auto counts = histogram(sampling, logits, 2000);
    for (size_t i = 0; i < counts.size(); ++i) {
        if (counts[i] > 0) tokens.insert(static_cast<Token>(i));
    }
    return tokens;
}

/// Pearson's statistic; tokens of probability 0 must not occur.
double chi_square(const std::vector<size_t> &counts, const std::vector<double> &probabilities) {
    const auto n_draws = static_cast<double>(std::accumulate(counts.begin(), counts.end(), size_t{0}));
    double sum = 0;
    for (size_t i = 0; i < counts.size(); ++i) {
        if (probabilities[i] == 0) {
            CHECK(counts[i] == 0);
            continue;
        }
        const double expected = n_draws * probabilities[i];
        const double difference = static_cast<double>(counts[i]) - expected;
        sum += difference * difference / expected;
    }
    return sum;
}

std::vector<double> softmax(const Logits &logits, double temperature) {
    std::vector<double> probabilities;
    for (const float logit : logits) probabilities.push_back(std::exp(logit / temperature));
    const double total = std::accumulate(probabilities.begin(), probabilities.end(), 0.0);
    for (double &probability : probabilities) probability /= total;
    return probabilities;
}

/// Logits whose softmax at temperature 1 is this.
Logits logits_of(const std::vector<double> &probabilities) {
    Logits logits;
    for (const double probability : probabilities) logits.push_back(static_cast<float>(std::log(probability)));
    return logits;
}

void check_refused(const Sampling &sampling, const std::vector<std::string> &parts) {
    auto checked = validate(sampling, 10);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().status == Status::invalid_argument);
    for (const std::string &part : parts) {
        CAPTURE(checked.error().message);
        CAPTURE(part);
        CHECK(checked.error().message.find(part) != std::string::npos);
    }
}

}  // namespace

TEST_CASE("SplitMix64 gives the published sequence") {
    SamplerState state{1234567};
    CHECK(next_random(state) == 6457827717110365317u);
    CHECK(next_random(state) == 3203168211198807973u);
    CHECK(next_random(state) == 9817491932198370423u);
}

TEST_CASE("values out of range are refused by name") {
    const std::pair<const char *, float Sampling::*> fields[] = {
        {"temperature", &Sampling::temperature},
        {"top_p", &Sampling::top_p},
        {"min_p", &Sampling::min_p},
        {"repetition_penalty", &Sampling::repetition_penalty},
        {"presence_penalty", &Sampling::presence_penalty},
        {"frequency_penalty", &Sampling::frequency_penalty},
    };
    for (const auto &[name, field] : fields) {
        for (const float value : {kNan, kInf, -kInf}) {
            Sampling sampling;
            sampling.*field = value;
            check_refused(sampling, {name, "allowed"});
        }
    }
    Sampling sampling;
    sampling.temperature = -1;
    check_refused(sampling, {"temperature is -1, allowed 0 to "});
    sampling = {};
    sampling.top_p = 2;
    check_refused(sampling, {"top_p is 2, allowed 0 to 1"});
    sampling = {};
    sampling.min_p = 1.5f;
    check_refused(sampling, {"min_p is 1.5, allowed 0 to 1"});
    sampling = {};
    sampling.repetition_penalty = -0.5f;
    check_refused(sampling, {"repetition_penalty is -0.5"});
    for (const Token token : {-1, 10, INT32_MIN, INT32_MAX}) {
        sampling = {};
        sampling.logit_bias = {{0, 1}, {token, 1}};
        check_refused(sampling, {"logit_bias[1].token is ", std::to_string(token), "below 10"});
    }
    for (const float bias : {kNan, kInf}) {
        sampling = {};
        sampling.logit_bias = {{3, bias}};
        check_refused(sampling, {"logit_bias[0].bias"});
    }
    sampling.logit_bias = {{3, -kInf}, {9, -2}};
    sampling.presence_penalty = -1;
    sampling.top_k = UINT32_MAX;
    CHECK(validate(sampling, 10));
}

TEST_CASE("greedy: the highest, the lowest id on ties, never what is not finite") {
    const Sampling greedy;
    CHECK(sample_once(greedy, {1, 3, 2, 3}) == 1);
    CHECK(sample_once(greedy, {kNan, -5, kNan}) == 1);
    CHECK(sample_once(greedy, {kInf, 1, 2, -kInf}) == 2);
    CHECK(sample_once(greedy, {-3e38f, -kInf}) == 0);
}

TEST_CASE("no finite logit is an error, and the state stays") {
    for (const float temperature : {0.0f, 1.0f}) {
        Sampler sampler(with_temperature(temperature), 3);
        for (const Logits &logits : {Logits{kNan, kNan, kNan}, Logits{-kInf, kNan, kInf}}) {
            auto token = sampler.sample(logits, {});
            REQUIRE_FALSE(token);
            CHECK(token.error().status == Status::bad_format);
            CHECK(token.error().message.find("not finite") != std::string::npos);
        }
        CHECK(sampler.sample(Logits{1, 2}, {}).error().status == Status::internal);
        CHECK(sampler.state().random == 42);
    }
    Sampling sampling = with_temperature(1);
    sampling.logit_bias = {{0, -kInf}, {1, -kInf}};
    CHECK_FALSE(Sampler(sampling, 2).sample(Logits{1, 2}, {}));
}

TEST_CASE("draws follow the softmax at every temperature") {
    const Logits logits = {0.5f, -1, 2, 0, 1.5f, -kInf};
    for (const float temperature : {0.5f, 1.0f, 2.0f}) {
        // 4 degrees of freedom: above 23.5 once in ten thousand seeds; this seed is fixed.
        CHECK(chi_square(histogram(with_temperature(temperature), logits, 20000), softmax(logits, temperature)) < 23.5);
    }
    CHECK(chi_square(histogram(with_temperature(1), logits, 20000), softmax(logits, 1.5)) > 100);  // the test can fail
}

TEST_CASE("extreme logits and temperatures stay finite") {
    CHECK(sample_once(with_temperature(1e-45f), {1, 2, 3}) == 2);
    CHECK(sample_once(with_temperature(1), {-3e38f, 3e38f}) == 1);
    const auto counts = histogram(with_temperature(3e38f), {1, 2}, 10000);
    CHECK(counts[0] > 4500);
    CHECK(counts[1] > 4500);
}

TEST_CASE("top_k keeps the k most likely, the lower id on ties") {
    const Logits logits = {1, 2, 2, 0, 2};
    Sampling sampling = with_temperature(1);
    sampling.top_k = 1;
    CHECK(support(sampling, logits) == std::set<Token>{1});
    sampling.top_k = 2;
    CHECK(support(sampling, logits) == std::set<Token>{1, 2});
    sampling.top_k = 4;
    CHECK(support(sampling, logits) == std::set<Token>{0, 1, 2, 4});
    for (const uint32_t all : {0u, 5u, UINT32_MAX}) {
        sampling.top_k = all;
        CHECK(support(sampling, logits).size() == 5);
    }
}

TEST_CASE("top_p keeps the fewest that reach it") {
    const Logits logits = logits_of({0.1, 0.4, 0.3, 0.2});
    Sampling sampling = with_temperature(1);
    const auto kept = [&](float top_p) {
        sampling.top_p = top_p;
        return support(sampling, logits);
    };
    CHECK(kept(1e-30f) == std::set<Token>{1});
    CHECK(kept(0.39f) == std::set<Token>{1});
    CHECK(kept(0.41f) == std::set<Token>{1, 2});
    CHECK(kept(0.69f) == std::set<Token>{1, 2});
    CHECK(kept(0.71f) == std::set<Token>{1, 2, 3});
    CHECK(kept(0.91f).size() == 4);
    CHECK(kept(1).size() == 4);
    CHECK(kept(0).size() == 4);
    sampling.top_k = 2;  // 0.4 and 0.3 of 0.7
    CHECK(kept(0.56f) == std::set<Token>{1});
    CHECK(kept(0.58f) == std::set<Token>{1, 2});
}

TEST_CASE("min_p keeps what is likely enough beside the likeliest") {
    const Logits logits = logits_of({0.1, 0.4, 0.3, 0.2});
    Sampling sampling = with_temperature(1);
    const auto kept = [&](float min_p) {
        sampling.min_p = min_p;
        return support(sampling, logits);
    };
    CHECK(kept(1) == std::set<Token>{1});
    CHECK(kept(0.76f) == std::set<Token>{1});
    CHECK(kept(0.74f) == std::set<Token>{1, 2});
    CHECK(kept(0.24f).size() == 4);
    CHECK(kept(0).size() == 4);
    sampling.top_p = 0.65f;  // of the whole, not of what min_p leaves
    CHECK(kept(0.4f) == std::set<Token>{1, 2});
}

TEST_CASE("the filters together leave the right probabilities, also past the first sorted step") {
    std::mt19937 random(5);
    Logits logits(3000);
    for (float &logit : logits) logit = static_cast<float>(random() % 2000) / 500.0f;
    Sampling sampling = with_temperature(1.3f);
    sampling.top_k = 2000;
    sampling.top_p = 0.8f;
    sampling.min_p = 0.05f;

    // The definition, in the documented order.
    std::vector<size_t> order(logits.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return logits[a] > logits[b]; });
    const std::vector<double> all = softmax(logits, 1.3f);
    order.resize(2000);
    double total = 0;
    for (const size_t i : order) total += all[i];
    double reached = 0;
    std::set<size_t> kept;
    for (const size_t i : order) {
        if (reached >= 0.8f * total) break;
        reached += all[i];
        if (all[i] >= 0.05f * all[order[0]]) kept.insert(i);
    }
    REQUIRE(kept.size() > 256);

    const auto counts = histogram(sampling, logits, 20000);
    size_t n_outside = 0;
    size_t n_drawn = 0;
    for (size_t i = 0; i < counts.size(); ++i) {
        if (counts[i] > 0) ++n_drawn;
        if (counts[i] > 0 && !kept.contains(i)) ++n_outside;
    }
    CHECK(n_outside == 0);
    CHECK(n_drawn > kept.size() * 9 / 10);
}

TEST_CASE("penalties equal their definition") {
    std::mt19937 random(6);
    const auto real = [&](float least, float most) {
        return least + (most - least) * static_cast<float>(random() % 1001) / 1000.0f;
    };
    size_t n_changed = 0;
    for (int round = 0; round < 500; ++round) {
        Logits logits(20);
        for (float &logit : logits) logit = real(-3, 3);
        Tokens seen(random() % 30);
        for (Token &token : seen) token = static_cast<Token>(random() % 20);
        Sampling sampling;
        if (random() % 4 != 0) sampling.repetition_penalty = real(0.5f, 2);
        if (random() % 4 != 0) sampling.presence_penalty = real(-1, 1);
        if (random() % 4 != 0) sampling.frequency_penalty = real(-0.5f, 0.5f);
        if (random() % 2 != 0) sampling.penalty_window = static_cast<uint32_t>(random() % 20);
        for (size_t n = random() % 3; n > 0; --n) {
            sampling.logit_bias.push_back({static_cast<Token>(random() % 20), real(-2, 2)});
        }

        std::vector<double> expected(logits.begin(), logits.end());
        for (const auto &[token, bias] : sampling.logit_bias) expected[static_cast<size_t>(token)] += bias;
        const size_t window = sampling.penalty_window == 0 ? seen.size() : sampling.penalty_window;
        std::map<Token, int> times;
        for (size_t i = seen.size() - std::min(window, seen.size()); i < seen.size(); ++i) ++times[seen[i]];
        for (const auto &[token, n_times] : times) {
            double &logit = expected[static_cast<size_t>(token)];
            if (sampling.repetition_penalty != 0) {
                logit = logit > 0 ? logit / sampling.repetition_penalty : logit * sampling.repetition_penalty;
            }
            logit -= sampling.presence_penalty + n_times * static_cast<double>(sampling.frequency_penalty);
        }
        const Token chosen = sample_once(sampling, logits, seen);
        // Rounding to float may decide between two that are equal in float.
        CHECK(expected[static_cast<size_t>(chosen)] >= *std::max_element(expected.begin(), expected.end()) - 1e-5);
        n_changed += chosen != sample_once(Sampling{}, logits) ? 1 : 0;
    }
    CHECK(n_changed > 50);
}

TEST_CASE("bias and penalties never make a logit infinite, nor a forbidden token possible") {
    Sampling sampling;
    sampling.repetition_penalty = 1e-38f;
    CHECK(sample_once(sampling, {100, 1}, {0}) == 0);
    sampling = {};
    sampling.logit_bias = {{0, 3e38f}};
    CHECK(sample_once(sampling, {3e38f, 1}) == 0);
    sampling = {};
    sampling.presence_penalty = -5;
    sampling.logit_bias = {{0, -kInf}, {0, 3}};
    CHECK(sample_once(sampling, {9, 1}, {0}) == 1);
    sampling = {};
    sampling.presence_penalty = 2;
    CHECK(sample_once(sampling, {2, 1}, {0, -1, 2, INT32_MAX}) == 1);  // ids that are none are passed over
}

TEST_CASE("the same seed draws the same, another seed something else, and a state can be put back") {
    const Logits logits(50, 1.0f);
    const auto draw = [&](Sampler &sampler) {
        Tokens tokens;
        for (int i = 0; i < 20; ++i) tokens.push_back(*sampler.sample(logits, {}));
        return tokens;
    };
    Sampling sampling = with_temperature(0.8f);
    Sampler sampler(sampling, logits.size());
    const Tokens first = draw(sampler);
    const SamplerState between = sampler.state();
    const Tokens second = draw(sampler);
    CHECK(first != second);
    sampler.restore(between);
    CHECK(draw(sampler) == second);

    Sampler again(sampling, logits.size());
    CHECK(draw(again) == first);
    sampling.seed = 43;
    Sampler other(sampling, logits.size());
    CHECK(draw(other) != first);
}
