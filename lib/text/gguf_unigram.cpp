#include "text/gguf_unigram.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "text/gguf_added.h"
#include "text/pipeline.h"
#include "text/unigram.h"
#include "text/vocabulary.h"

namespace hadal::core {
namespace {

constexpr const char *kMapKey = "tokenizer.ggml.precompiled_charsmap";
constexpr const char *kMark = "\u2581";

Result<CharMap> read_char_map(const Metadata &metadata) {
    HADAL_TRY(const auto *bytes, metadata.integers(kMapKey));
    std::string blob;
    blob.reserve(bytes->size());
    for (const int64_t byte : *bytes) {
        if (byte < -128 || byte > 255) {
            return error(Status::bad_format, metadata.file(), ": ", kMapKey, "[", blob.size(), "] is ", byte,
                         ", allowed is a byte");
        }
        blob += static_cast<char>(byte);
    }
    auto map = CharMap::read_blob(blob, CharMapKeys::longest);
    if (!map) return error(map.error().status, metadata.file(), ": tokenizer.ggml.", map.error().message);
    return map;
}

Result<std::vector<NormalStep>> read_normalizers(const Metadata &metadata) {
    std::vector<NormalStep> steps;
    if (metadata.has(kMapKey)) {
        HADAL_TRY(CharMap map, read_char_map(metadata));
        steps.push_back(std::move(map));
    }
    SpacesToMarks spaces;
    HADAL_TRY(const bool adds, metadata.boolean_or("tokenizer.ggml.add_space_prefix", false));
    HADAL_TRY(const bool behind, metadata.boolean_or("tokenizer.ggml.treat_whitespace_as_suffix", false));
    HADAL_TRY(const bool escapes, metadata.boolean_or("tokenizer.ggml.escape_whitespaces", true));
    HADAL_TRY(spaces.joins, metadata.boolean_or("tokenizer.ggml.remove_extra_whitespaces", false));
    spaces.mark = escapes ? kMark : " ";
    if (adds) spaces.added = behind ? SpacesToMarks::Added::behind : SpacesToMarks::Added::in_front;
    steps.push_back(std::move(spaces));
    return steps;
}

/// [token]: its score; of a user-defined token 0, which is more than any other has.
Result<UnigramRules> read_rules(const Metadata &metadata, const Vocabulary &vocabulary, std::vector<Token> &members) {
    UnigramRules rules;
    HADAL_TRY(const std::vector<float> scores, read_scores(metadata, vocabulary.size()));
    rules.scores.assign(scores.begin(), scores.end());
    float least = std::numeric_limits<float>::max();
    for (size_t i = 0; i < vocabulary.size(); ++i) {
        const TokenKind kind = vocabulary.kinds[i];
        if (kind == TokenKind::normal) least = std::min(least, scores[i]);
        if (kind == TokenKind::user_defined) rules.scores[i] = 0;
        if (kind == TokenKind::normal || kind == TokenKind::user_defined || kind == TokenKind::unused) {
            members.push_back(static_cast<Token>(i));
        }
    }
    rules.unknown = vocabulary.special.unknown;
    rules.unknown_score = static_cast<double>(least - static_cast<float>(kUnknownPenalty));
    return rules;
}

}  // namespace

Result<std::unique_ptr<const Tokenizer>> open_gguf_unigram(const Metadata &metadata) {
    SpecialDefaults defaults;
    defaults.eos = 1;
    defaults.unknown = 2;
    defaults.add_eos = true;
    HADAL_TRY(Vocabulary vocabulary, read_vocabulary(metadata, defaults));
    SpecialTokens &special = vocabulary.special;
    if (special.unknown < 0) {
        return error(Status::bad_format, metadata.file(), ": tokenizer.ggml.unknown_token_id is absent");
    }
    Pipeline pipeline;
    HADAL_TRY(pipeline.normalizers, read_normalizers(metadata));
    std::vector<Token> members;
    HADAL_TRY(UnigramRules rules, read_rules(metadata, vocabulary, members));
    pipeline.model = std::make_unique<const Unigram>(vocabulary.texts, std::move(members), std::move(rules));
    const auto &spaces = std::get<SpacesToMarks>(pipeline.normalizers.back());
    pipeline.decoders.push_back(MarksToSpaces{kMark, false});
    if (spaces.added == SpacesToMarks::Added::in_front || spaces.joins) {
        pipeline.decoders.push_back(StripCharacter{" ", 1, 0, true});
    }
    pipeline.added = added_tokens(vocabulary);
    if (special.add_bos) pipeline.prefix.push_back(special.bos);
    if (special.add_eos) pipeline.suffix.push_back(special.eos);
    pipeline.texts = std::move(vocabulary.texts);
    pipeline.kinds = std::move(vocabulary.kinds);
    pipeline.special = std::move(special);
    return make_tokenizer(std::move(pipeline));
}

}  // namespace hadal::core
