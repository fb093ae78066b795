// The parts of tokenizer.json, each to the steps it stands for. A type that is unknown is an error that names it.
//
// Source: github.com/huggingface/tokenizers, what it writes and how it reads it.
#pragma once

#include <limits>
#include <vector>

#include "base/result.h"
#include "text/json_fields.h"
#include "text/pipeline.h"
#include "text/token_index.h"

namespace hadal::core {

/// What tokenizer.json holds of tokens, before the model is made of them.
struct JsonVocabulary {
    StringTable texts;           ///< [token], added ones included
    std::vector<Token> members;  ///< those the model may give: special tokens of several characters are not among them
    std::vector<double> scores;  ///< [token]; a unigram model's, else empty
    size_t n_scored = 0;
    double least_score = std::numeric_limits<double>::infinity();
    std::vector<AddedToken> added;
    std::vector<TokenKind> kinds;  ///< [token]
};

/// Every function fails with bad_format or unsupported, naming file and field. steps are appended.
Result<void> read_normalizer(const JsonFields &fields, std::vector<NormalStep> &steps);
Result<void> read_splitter(const JsonFields &fields, std::vector<SplitStep> &steps);
Result<void> read_decoder(const JsonFields &fields, std::vector<DecodeStep> &steps);

/// What a post-processor puts around a text.
struct Surroundings {
    std::vector<Token> prefix, suffix;
};
Result<void> read_post_processor(const JsonFields &fields, size_t n_tokens, Surroundings &around);

/// model: the object of that name.
Result<JsonVocabulary> read_json_vocabulary(const JsonFields &root, const JsonFields &model);

/// Makes the model. Where it is a BPE whose pieces are letters for bytes, that last step of the splitters is taken away
/// and the model works on bytes. index: of all texts.
Result<std::unique_ptr<const TokenModel>> read_model(const JsonFields &model, JsonVocabulary &vocabulary,
                                                     const TokenIndex &index, std::vector<SplitStep> &splitters);

}  // namespace hadal::core
