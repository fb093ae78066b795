// Bias, penalties, temperature, top_k, top_p, min_p, draw: one function each, in this order.
#include "engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace hadal::core {
namespace {

constexpr float kLowest = -std::numeric_limits<float>::infinity();

Result<void> check_range(const char *field, float value, float least, float most) {
    if (value >= least && value <= most) return {};
    return error(Status::invalid_argument, "sampling: ", field, " is ", value, ", allowed ", least, " to ", most);
}

/// The nearest float that is finite.
float to_finite_float(double value) {
    constexpr double kMost = std::numeric_limits<float>::max();
    return static_cast<float>(std::clamp(value, -kMost, kMost));
}

/// The lowest id with the highest finite logit; -1: none is finite.
Token greedy(std::span<const float> logits) {
    Token best = -1;
    float best_logit = kLowest;
    for (size_t i = 0; i < logits.size(); ++i) {
        if (logits[i] > best_logit && std::isfinite(logits[i])) {
            best = static_cast<Token>(i);
            best_logit = logits[i];
        }
    }
    return best;
}

}  // namespace

Result<void> validate(const Sampling &sampling, size_t n_vocab) {
    constexpr float kMost = std::numeric_limits<float>::max();
    HADAL_CHECK(check_range("temperature", sampling.temperature, 0, kMost));
    HADAL_CHECK(check_range("top_p", sampling.top_p, 0, 1));
    HADAL_CHECK(check_range("min_p", sampling.min_p, 0, 1));
    HADAL_CHECK(check_range("repetition_penalty", sampling.repetition_penalty, 0, kMost));
    HADAL_CHECK(check_range("presence_penalty", sampling.presence_penalty, -kMost, kMost));
    HADAL_CHECK(check_range("frequency_penalty", sampling.frequency_penalty, -kMost, kMost));
    for (size_t i = 0; i < sampling.logit_bias.size(); ++i) {
        const auto &[token, bias] = sampling.logit_bias[i];
        if (token < 0 || static_cast<size_t>(token) >= n_vocab) {
            return error(Status::invalid_argument, "sampling: logit_bias[", i, "].token is ", token,
                         ", allowed 0 and up, below ", n_vocab);
        }
        if (!(bias <= kMost)) {
            return error(Status::invalid_argument, "sampling: logit_bias[", i, "].bias is ", bias,
                         ", allowed a finite number or -infinity");
        }
    }
    return {};
}

uint64_t next_random(SamplerState &state) {
    state.random += 0x9E3779B97F4A7C15u;
    uint64_t mixed = state.random;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
    return mixed ^ (mixed >> 31);
}

Sampler::Sampler(Sampling sampling, size_t n_vocab)
    : sampling_(std::move(sampling)), n_vocab_(n_vocab), state_{sampling_.seed} {}

Result<Token> Sampler::sample(std::span<const float> logits, std::span<const Token> seen) {
    if (logits.size() != n_vocab_) {
        return error(Status::internal, "sampler: ", logits.size(), " logits, the vocabulary has ", n_vocab_);
    }
    Token likeliest = greedy(logits);
    if (likeliest < 0) {
        return error(Status::bad_format, "the logits are not finite: the weights hold NaN or infinity, or overflow");
    }
    if (adjusts_logits()) {
        adjusted_.assign(logits.begin(), logits.end());
        apply_bias();
        apply_penalties(seen);
        logits = adjusted_;
        likeliest = greedy(logits);
        if (likeliest < 0) return error(Status::invalid_argument, "logit_bias forbids every token");
    }
    if (sampling_.temperature == 0) return likeliest;

    candidates_.clear();
    candidates_.reserve(n_vocab_);
    for (size_t i = 0; i < logits.size(); ++i) {
        if (std::isfinite(logits[i])) candidates_.push_back({logits[i], static_cast<Token>(i), 0});
    }
    keep_top_k();
    compute_weights();
    const double total = total_weight();
    keep_min_p();  // before top_p, which then sorts less; both keep a beginning of the same order, so the order of the
                   // two does not matter once the total is known
    keep_top_p(total);
    return draw();
}

/// Likelier first, then the lower id: a total order, so that no selection depends on the standard library.
bool Sampler::before(const Candidate &a, const Candidate &b) {
    return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

bool Sampler::adjusts_logits() const {
    return !sampling_.logit_bias.empty() || sampling_.repetition_penalty != 0 || sampling_.presence_penalty != 0 ||
           sampling_.frequency_penalty != 0;
}

void Sampler::apply_bias() {
    for (const auto &[token, bias] : sampling_.logit_bias) {
        float &logit = adjusted_[static_cast<size_t>(token)];
        if (!std::isfinite(logit)) continue;
        logit = bias == kLowest ? kLowest : to_finite_float(static_cast<double>(logit) + bias);
    }
}

void Sampler::apply_penalties(std::span<const Token> seen) {
    const size_t window = sampling_.penalty_window;
    if (window != 0 && seen.size() > window) seen = seen.last(window);
    n_seen_.resize(n_vocab_);
    const auto in_vocabulary = [this](Token token) { return token >= 0 && static_cast<size_t>(token) < n_vocab_; };
    for (const Token token : seen) {
        if (in_vocabulary(token)) ++n_seen_[static_cast<size_t>(token)];
    }
    const double repetition = sampling_.repetition_penalty == 0 ? 1 : sampling_.repetition_penalty;
    for (const Token token : seen) {
        if (!in_vocabulary(token)) continue;
        const uint32_t n_times = std::exchange(n_seen_[static_cast<size_t>(token)], 0);
        float &logit = adjusted_[static_cast<size_t>(token)];
        if (n_times == 0 || !std::isfinite(logit)) continue;
        double penalised = logit > 0 ? logit / repetition : logit * repetition;
        penalised -= sampling_.presence_penalty;
        penalised -= static_cast<double>(n_times) * sampling_.frequency_penalty;
        logit = to_finite_float(penalised);
    }
}

void Sampler::keep_top_k() {
    const size_t k = sampling_.top_k;
    if (k == 0 || k >= candidates_.size()) return;
    const auto end = candidates_.begin() + static_cast<std::ptrdiff_t>(k);
    std::nth_element(candidates_.begin(), end, candidates_.end(), before);
    candidates_.erase(end, candidates_.end());
    std::sort(candidates_.begin(), candidates_.end(), before);
}

void Sampler::compute_weights() {
    float highest = kLowest;
    for (const Candidate &candidate : candidates_) highest = std::max(highest, candidate.logit);
    const double temperature = sampling_.temperature;
    for (Candidate &candidate : candidates_) {
        candidate.weight = std::exp((static_cast<double>(candidate.logit) - highest) / temperature);
    }
}

double Sampler::total_weight() const {
    double total = 0;
    for (const Candidate &candidate : candidates_) total += candidate.weight;
    return total;
}

void Sampler::keep_min_p() {
    // The likeliest has weight 1.
    if (sampling_.min_p == 0) return;
    std::erase_if(candidates_, [this](const Candidate &candidate) { return candidate.weight < sampling_.min_p; });
}

void Sampler::keep_top_p(double total) {
    if (sampling_.top_p == 0 || sampling_.top_p == 1) return;
    const double wanted = sampling_.top_p * total;
    double reached = 0;
    // Sorted in growing steps from the front: a nucleus is mostly a few hundred of a hundred thousand.
    size_t n_sorted = 0;
    for (size_t step = 256; n_sorted < candidates_.size(); step *= 4) {
        const size_t n_next = n_sorted + std::min(step, candidates_.size() - n_sorted);
        const auto begin = candidates_.begin() + static_cast<std::ptrdiff_t>(n_sorted);
        const auto end = candidates_.begin() + static_cast<std::ptrdiff_t>(n_next);
        if (end != candidates_.end()) std::nth_element(begin, end, candidates_.end(), before);
        std::sort(begin, end, before);
        for (; n_sorted < n_next; ++n_sorted) {
            reached += candidates_[n_sorted].weight;
            if (reached >= wanted) {
                candidates_.resize(n_sorted + 1);
                return;
            }
        }
    }
}

Token Sampler::draw() {
    // 53 bits: every double in [0, 1) that is a multiple of 2^-53 is equally likely.
    const double unit = static_cast<double>(next_random(state_) >> 11) * 0x1p-53;
    double left = unit * total_weight();
    for (const Candidate &candidate : candidates_) {
        left -= candidate.weight;
        if (left < 0) return candidate.token;
    }
    // Rounding alone leads here: the likeliest is as good an answer as the last.
    return std::min_element(candidates_.begin(), candidates_.end(), before)->token;
}

}  // namespace hadal::core
