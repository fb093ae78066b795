#include "text/gguf_word_piece.h"

#include <string>
#include <utility>
#include <vector>

#include "text/bert_punctuation.h"
#include "text/gguf_added.h"
#include "text/pipeline.h"
#include "text/vocabulary.h"
#include "text/word_piece.h"

namespace hadal::core {
namespace {

// What BERT's own vocabulary has there.
constexpr Token kUnknown = 100;
constexpr Token kBeginning = 101;
constexpr Token kSeparator = 102;
constexpr const char *kMark = "\u2581";
constexpr const char *kSeparatorKey = "tokenizer.ggml.seperator_token_id";  // GGUF spells it so

/// The token between texts, and at the end of one; -1: none.
Result<Token> read_separator(const Metadata &metadata, const Vocabulary &vocabulary) {
    HADAL_TRY(const bool wanted, metadata.boolean_or("tokenizer.ggml.add_sep_token", true));
    if (!wanted) return Token{-1};
    HADAL_TRY(const uint64_t id, metadata.uint_or(kSeparatorKey, kSeparator, 0, vocabulary.size() - 1));
    if (id < vocabulary.size()) return static_cast<Token>(id);
    return error(Status::bad_format, metadata.file(), ": ", kSeparatorKey, " is absent, and there is no token ", id);
}

Result<std::vector<NormalStep>> read_normalizers(const Metadata &metadata) {
    Bert bert;
    HADAL_TRY(bert.lowercase, metadata.boolean_or("tokenizer.ggml.normalizer.lowercase", true));
    HADAL_TRY(bert.strip_accents, metadata.boolean_or("tokenizer.ggml.normalizer.strip_accents", bert.lowercase));
    std::vector<NormalStep> steps;
    steps.push_back(bert);
    return steps;
}

Result<std::vector<SplitStep>> make_splitters() {
    HADAL_TRY(Regex space, Regex::compile(R"(\s)"));
    HADAL_TRY(Regex punctuation, Regex::compile(kBertPunctuation));
    std::vector<SplitStep> steps;
    steps.push_back(SplitAtRegex{std::move(space), Delimiter::removed});
    steps.push_back(SplitAtRegex{std::move(punctuation)});
    return steps;
}

}  // namespace

Result<std::unique_ptr<const Tokenizer>> open_gguf_word_piece(const Metadata &metadata) {
    SpecialDefaults defaults;
    defaults.bos = kBeginning;
    defaults.unknown = kUnknown;
    defaults.add_bos = true;
    HADAL_TRY(Vocabulary vocabulary, read_vocabulary(metadata, defaults));
    SpecialTokens &special = vocabulary.special;
    if (special.unknown < 0 && vocabulary.size() > kUnknown) special.unknown = kUnknown;  // of whatever kind it is
    if (special.unknown < 0) {
        return error(Status::bad_format, metadata.file(), ": tokenizer.ggml.unknown_token_id is absent");
    }
    Pipeline pipeline;
    HADAL_TRY(pipeline.normalizers, read_normalizers(metadata));
    HADAL_TRY(pipeline.splitters, make_splitters());
    HADAL_TRY(const Token separator, read_separator(metadata, vocabulary));

    std::vector<Token> members;
    for (size_t i = 0; i < vocabulary.size(); ++i) {
        if (vocabulary.kinds[i] == TokenKind::normal) members.push_back(static_cast<Token>(i));
    }
    WordPieceRules rules;
    rules.unknown = special.unknown;
    rules.first_prefix = kMark;
    rules.max_code_points = SIZE_MAX;
    pipeline.model = std::make_unique<const WordPiece>(vocabulary.texts, members, std::move(rules));
    pipeline.decoders.push_back(MarksToSpaces{kMark});
    pipeline.added = added_tokens(vocabulary);
    if (special.add_bos) pipeline.prefix.push_back(special.bos);
    if (separator >= 0) pipeline.suffix.push_back(separator);
    if (special.add_eos && special.eos != separator) pipeline.suffix.push_back(special.eos);
    pipeline.texts = std::move(vocabulary.texts);
    pipeline.kinds = std::move(vocabulary.kinds);
    pipeline.special = std::move(special);
    return make_tokenizer(std::move(pipeline));
}

}  // namespace hadal::core
