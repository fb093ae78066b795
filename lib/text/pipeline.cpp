// The way from text to tokens and back, and the memory that calls take turns with.
#include "text/pipeline.h"

#include <algorithm>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "text/input_text.h"

namespace hadal::core {
namespace {

/// Calls that run at the same time; what more of them need is given back.
constexpr size_t kMaxKeptWorks = 16;

struct Work {
    RegexWork regex;
    ModelWork model;
    Pieces pieces;
    std::string normal;
    std::vector<AddedTokens::Part> raw_parts, normal_parts;
};

/// Lends each running call its own memory.
class WorkPool {
public:
    class Lease {
    public:
        Lease(WorkPool &pool, std::unique_ptr<Work> work) : pool_(pool), work_(std::move(work)) {}
        ~Lease() { pool_.give_back(std::move(work_)); }
        Lease(const Lease &) = delete;
        Work *operator->() const { return work_.get(); }

    private:
        WorkPool &pool_;
        std::unique_ptr<Work> work_;
    };

    Lease lend() {
        {
            const std::lock_guard lock(mutex_);
            if (!idle_.empty()) {
                auto work = std::move(idle_.back());
                idle_.pop_back();
                return Lease(*this, std::move(work));
            }
        }
        return Lease(*this, std::make_unique<Work>());
    }

private:
    void give_back(std::unique_ptr<Work> work) {
        const std::lock_guard lock(mutex_);
        if (idle_.size() < idle_.capacity()) idle_.push_back(std::move(work));
    }

    std::mutex mutex_;
    std::vector<std::unique_ptr<Work>> idle_ = [] {
        std::vector<std::unique_ptr<Work>> idle;
        idle.reserve(kMaxKeptWorks);
        return idle;
    }();
};

class PipelineTokenizer final : public Tokenizer {
public:
    explicit PipelineTokenizer(Pipeline pipeline) : pipeline_(std::move(pipeline)) {}
    Result<void> prepare();

    size_t size() const override { return pipeline_.texts.size(); }
    const SpecialTokens &special() const override { return pipeline_.special; }
    Result<std::vector<Token>> encode(std::string_view text, const EncodeOptions &options) const override;
    Result<std::string_view> token_bytes(Token token) const override;
    Result<TokenKind> token_kind(Token token) const override;
    Result<std::string> decode(const std::vector<Token> &tokens, ControlText control) const override;

private:
    Result<void> check(Token token) const;
    Result<void> encode_raw(std::string_view text, Pieces::Place place, Work &work, std::vector<Token> &out,
                            SpecialText special) const;
    Result<void> encode_normal(std::string_view text, Pieces::Place place, Work &work, std::vector<Token> &out) const;
    bool is_gap(Token token) const;  ///< an id without a token
    std::string decoded_text(Token token, TokenPlace place) const;

    Pipeline pipeline_;
    AddedTokens raw_, normal_;
    StringTable bytes_;             ///< [token]: what it decodes to inside a text; of a control token its text
    std::vector<bool> is_literal_;  ///< [token]: added to a vocabulary of letters for bytes, but not written in them
    mutable WorkPool works_;
};

Result<void> PipelineTokenizer::prepare() {
    RegexWork regex;
    HADAL_CHECK(regex.prepare());
    std::vector<AddedToken> raw, normal;
    std::set<std::string> texts;
    for (AddedToken &token : pipeline_.added) {
        if (!token.normalized || pipeline_.normalizers.empty()) {
            (token.normalized ? normal : raw).push_back(token);
            continue;
        }
        AddedToken changed = token;
        HADAL_CHECK(normalize(pipeline_.normalizers, changed.text, regex));
        // Two that become the same are found as the first of them.
        if (!changed.text.empty() && texts.insert(changed.text).second) normal.push_back(std::move(changed));
    }
    const bool has_letters =
        std::any_of(pipeline_.decoders.begin(), pipeline_.decoders.end(),
                    [](const DecodeStep &step) { return std::holds_alternative<LettersToBytes>(step); });
    is_literal_.resize(size());
    if (has_letters) {
        for (const AddedToken &token : pipeline_.added) is_literal_[static_cast<size_t>(token.token)] = true;
    }
    pipeline_.added.clear();
    raw_ = AddedTokens(std::move(raw));
    normal_ = AddedTokens(std::move(normal));
    for (size_t i = 0; i < size(); ++i) {
        const bool is_control = pipeline_.kinds[i] == TokenKind::control;
        bytes_.add(is_control ? std::string(pipeline_.texts[i])
                              : decoded_text(static_cast<Token>(i), TokenPlace::later));
    }
    return {};
}

bool PipelineTokenizer::is_gap(Token token) const {
    const auto i = static_cast<size_t>(token);
    return pipeline_.kinds[i] == TokenKind::unused && pipeline_.texts[i].empty();
}

std::string PipelineTokenizer::decoded_text(Token token, TokenPlace place) const {
    const auto i = static_cast<size_t>(token);
    const std::string_view text = pipeline_.texts[i];
    return is_literal_[i] || is_gap(token) ? std::string(text) : decode_token(pipeline_.decoders, text, place);
}

Result<void> PipelineTokenizer::check(Token token) const {
    if (token >= 0 && static_cast<size_t>(token) < size()) return {};
    return error(Status::invalid_argument, "token ", token, " is not in the vocabulary, allowed 0 to ", size() - 1);
}

Result<std::string_view> PipelineTokenizer::token_bytes(Token token) const {
    HADAL_CHECK(check(token));
    return bytes_[static_cast<size_t>(token)];
}

Result<TokenKind> PipelineTokenizer::token_kind(Token token) const {
    HADAL_CHECK(check(token));
    return pipeline_.kinds[static_cast<size_t>(token)];
}

Result<std::string> PipelineTokenizer::decode(const std::vector<Token> &tokens, ControlText control) const {
    std::string decoded;
    TokenPlace place = TokenPlace::first;
    for (const Token token : tokens) {
        HADAL_TRY(const std::string_view bytes, token_bytes(token));
        const bool is_control = pipeline_.kinds[static_cast<size_t>(token)] == TokenKind::control;
        if (is_control && control == ControlText::left_out) continue;
        if (is_gap(token)) continue;
        if (is_control || place == TokenPlace::first) {
            decoded += decoded_text(token, place);
        } else {
            decoded += bytes;
        }
        place = TokenPlace::later;
    }
    return decoded;
}

Result<std::vector<Token>> PipelineTokenizer::encode(std::string_view given, const EncodeOptions &options) const {
    std::string repaired;
    HADAL_TRY(const std::string_view text, input_text(given, options, repaired));
    const WorkPool::Lease work = works_.lend();
    HADAL_CHECK(work->regex.prepare());
    std::vector<Token> tokens;
    tokens.reserve(text.size() / 4 + 8);  // common texts have 3 to 5 bytes a token
    if (options.add_special) tokens.insert(tokens.end(), pipeline_.prefix.begin(), pipeline_.prefix.end());
    const SpecialText special = options.parse_special ? SpecialText::parsed : SpecialText::plain;
    work->raw_parts.clear();
    raw_.split(text, special, work->raw_parts);
    for (const AddedTokens::Part &part : work->raw_parts) {
        if (part.token >= 0) {
            tokens.push_back(part.token);
            continue;
        }
        const auto place = part.text.data() == text.data() ? Pieces::Place::start : Pieces::Place::later;
        HADAL_CHECK(encode_raw(part.text, place, *work.operator->(), tokens, special));
    }
    if (options.add_special && options.parse_special) keep_one_bos(pipeline_.special, tokens);
    if (options.add_special) tokens.insert(tokens.end(), pipeline_.suffix.begin(), pipeline_.suffix.end());
    return tokens;
}

Result<void> PipelineTokenizer::encode_raw(std::string_view text, Pieces::Place place, Work &work,
                                           std::vector<Token> &out, SpecialText special) const {
    if (!pipeline_.normalizers.empty()) {
        work.normal = text;
        HADAL_CHECK(normalize(pipeline_.normalizers, work.normal, work.regex));
        text = work.normal;
    }
    work.normal_parts.clear();
    normal_.split(text, special, work.normal_parts);
    for (const AddedTokens::Part &part : work.normal_parts) {
        if (part.token >= 0) {
            out.push_back(part.token);
            continue;
        }
        const bool at_start = part.text.data() == text.data();
        HADAL_CHECK(encode_normal(part.text, at_start ? place : Pieces::Place::later, work, out));
    }
    return {};
}

Result<void> PipelineTokenizer::encode_normal(std::string_view text, Pieces::Place place, Work &work,
                                              std::vector<Token> &out) const {
    work.pieces.reset(text, place);
    for (const SplitStep &step : pipeline_.splitters) HADAL_CHECK(work.pieces.apply(step, work.regex));
    for (size_t i = 0; i < work.pieces.spans().size(); ++i) pipeline_.model->encode(work.pieces[i], work.model, out);
    return {};
}

}  // namespace

Result<std::unique_ptr<const Tokenizer>> make_tokenizer(Pipeline pipeline) {
    auto tokenizer = std::make_unique<PipelineTokenizer>(std::move(pipeline));
    HADAL_CHECK(tokenizer->prepare());
    return std::unique_ptr<const Tokenizer>(std::move(tokenizer));
}

}  // namespace hadal::core
