// SentencePiece's unigram model from a GGUF vocabulary (tokenizer.ggml.model = t5).
//
// A text goes through the character map of the file, then every space becomes U+2581: one in front of each text where
// the file asks for it, several in a row one where it says so.
//
// Facts: what the keys mean, and what is assumed where they are absent, is llama.cpp's (src/llama-vocab.cpp).
#pragma once

#include <memory>

#include "base/result.h"
#include "format/metadata.h"
#include "text/tokenizer.h"

namespace hadal::core {

/// Fails: bad_format (names file, key and values).
Result<std::unique_ptr<const Tokenizer>> open_gguf_unigram(const Metadata &metadata);

}  // namespace hadal::core
