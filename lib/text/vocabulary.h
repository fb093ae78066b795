// A GGUF vocabulary, read and checked: texts, kinds, scores and the tokens with a role.
#pragma once

#include <cstddef>
#include <vector>

#include "base/result.h"
#include "format/metadata.h"
#include "text/string_table.h"
#include "text/tokenizer.h"

namespace hadal::core {

/// Vocabularies in use have at most some 260 thousand tokens.
inline constexpr size_t kMaxTokens = size_t{4} << 20;
/// The longest known are runs of 256 spaces (768 bytes as U+2581).
inline constexpr size_t kMaxTokenBytes = 4096;

struct Vocabulary {
    StringTable texts;             ///< as the file writes them; distinct, but for empty ones; valid UTF-8
    std::vector<TokenKind> kinds;  ///< [n_tokens]
    SpecialTokens special;

    size_t size() const { return texts.size(); }
};

/// What a kind of vocabulary assumes where the file is silent. An id counts only where that token exists and is of
/// the kind its role needs.
struct SpecialDefaults {
    Token bos = -1;
    Token eos = -1;
    Token unknown = -1;
    bool add_bos = false;
    bool add_eos = false;
};

/// tokenizer.ggml.tokens and token_type, and the *_token_id and add_*_token keys.
/// Fails: bad_format (names file, key and values).
Result<Vocabulary> read_vocabulary(const Metadata &metadata, const SpecialDefaults &defaults);

/// tokenizer.ggml.scores: one finite number a token. Fails: bad_format.
Result<std::vector<float>> read_scores(const Metadata &metadata, size_t n_tokens);

}  // namespace hadal::core
