// Holds back what may still become a code point, replaces what cannot.
#include "text/decoder.h"

#include <utility>
#include <vector>

#include "base/utf8.h"

namespace hadal::core {

Decoder::Decoder(std::shared_ptr<const Tokenizer> tokenizer, DecodeFrom where, ControlText control)
    : tokenizer_(std::move(tokenizer)), at_start_(where == DecodeFrom::start), control_(control) {}

Result<std::string_view> Decoder::push(Token token) {
    HADAL_TRY(const TokenKind kind, tokenizer_->token_kind(token));
    ready_.clear();
    const bool is_control = kind == TokenKind::control;
    if (is_control && control_ == ControlText::left_out) return std::string_view();
    HADAL_TRY(const std::string_view inside, tokenizer_->token_bytes(token));
    if (kind == TokenKind::unused && inside.empty()) return std::string_view();  // an id without a token
    std::string bytes = pending_;
    if (at_start_ && !is_control) {
        HADAL_TRY(const std::string first, tokenizer_->decode({token}, ControlText::left_out));
        bytes += first;
    } else {
        bytes += inside;
    }
    const std::string_view all = bytes;
    const size_t n_complete = all.size() - utf8_incomplete_tail(all);
    ready_ = utf8_repaired(all.substr(0, n_complete));
    pending_ = all.substr(n_complete);
    at_start_ = at_start_ && is_control;
    return std::string_view(ready_);
}

std::string_view Decoder::finish() {
    ready_.clear();
    if (!pending_.empty()) ready_ = "\uFFFD";
    pending_.clear();
    return ready_;
}

}  // namespace hadal::core
