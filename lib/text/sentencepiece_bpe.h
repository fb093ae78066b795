// SentencePiece's BPE, from a GGUF vocabulary (tokenizer.ggml.model = llama).
//
// Text is made normal (a space in front, every space written U+2581), cut into code points, and the adjacent pair
// whose joined text is the piece with the highest score is merged, leftmost on ties, until no pair is a piece. What is
// no piece then becomes byte tokens, or the unknown token where the vocabulary has no byte tokens.
//
// - User-defined pieces are atoms of the text: always one token, never part of a merge. Control tokens are never text.
//   With parse_special each control token in the text is its token, and what follows it is a text of its own, with its
//   own space in front, as Llama 2 encodes the turns of a chat.
// - Unused tokens are never produced, nor merged through.
// - decode(encode(text)) is text for all valid UTF-8, but for two cases: U+2581 comes back as a space, because the
//   vocabulary writes spaces so; and what became the unknown token comes back as U+FFFD.
//
// Source: github.com/google/sentencepiece doc/special_symbols.md; the ids are checked against llama.cpp's.
#pragma once

#include <memory>

#include "base/result.h"
#include "format/metadata.h"
#include "text/tokenizer.h"

namespace hadal::core {

/// Fails: bad_format (names file, key and values).
Result<std::unique_ptr<const Tokenizer>> open_sentencepiece_bpe(const Metadata &metadata);

}  // namespace hadal::core
