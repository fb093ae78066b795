// BERT's WordPiece from a GGUF vocabulary (tokenizer.ggml.model = bert): the tokens that begin a word are written with
// a U+2581 in front, the others bare.
//
// Facts: what the keys mean, and what is assumed where they are absent, is llama.cpp's (src/llama-vocab.cpp).
#pragma once

#include <memory>

#include "base/result.h"
#include "format/metadata.h"
#include "text/tokenizer.h"

namespace hadal::core {

/// Fails: bad_format (names file, key and values).
Result<std::unique_ptr<const Tokenizer>> open_gguf_word_piece(const Metadata &metadata);

}  // namespace hadal::core
