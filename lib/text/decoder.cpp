// Holds back what may still become a code point, replaces what cannot.
#include "text/decoder.h"

#include <utility>
#include <vector>

#include "base/utf8.h"

namespace hadal::core {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

/// Bytes of the ill-formed sequence at the beginning that one U+FFFD stands for: the longest that could have become a
/// code point, or one byte (Unicode 15, chapter 3.9, "substitution of maximal subparts").
size_t ill_formed_bytes(std::string_view bytes) {
    for (size_t n = 3; n > 1; --n) {
        if (n <= bytes.size() && utf8_incomplete_tail(bytes.substr(0, n)) == n) return n;
    }
    return 1;
}

void append_repaired(std::string_view bytes, std::string &out) {
    for (auto offset = utf8_error_offset(bytes); offset; offset = utf8_error_offset(bytes)) {
        out += bytes.substr(0, *offset);
        out += kReplacement;
        bytes.remove_prefix(*offset);
        bytes.remove_prefix(ill_formed_bytes(bytes));
    }
    out += bytes;
}

}  // namespace

Decoder::Decoder(std::shared_ptr<const Tokenizer> tokenizer, DecodeFrom where)
    : tokenizer_(std::move(tokenizer)), at_start_(where == DecodeFrom::start) {}

Result<std::string_view> Decoder::push(Token token) {
    HADAL_TRY(const TokenKind kind, tokenizer_->token_kind(token));
    ready_.clear();
    if (kind == TokenKind::control) return std::string_view();
    std::string bytes = pending_;
    if (at_start_) {
        HADAL_TRY(const std::string first, tokenizer_->decode({token}, ControlText::left_out));
        bytes += first;
    } else {
        HADAL_TRY(const std::string_view next, tokenizer_->token_bytes(token));
        bytes += next;
    }
    const std::string_view all = bytes;
    const size_t n_complete = all.size() - utf8_incomplete_tail(all);
    append_repaired(all.substr(0, n_complete), ready_);
    pending_ = all.substr(n_complete);
    at_start_ = false;
    return std::string_view(ready_);
}

std::string_view Decoder::finish() {
    ready_.clear();
    if (!pending_.empty()) ready_ = kReplacement;
    pending_.clear();
    return ready_;
}

}  // namespace hadal::core
