// Every field of a vocabulary is checked here, before anything relies on it.
#include "text/vocabulary.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <string_view>

#include "base/utf8.h"

namespace hadal::core {
namespace {

constexpr const char *kTokensKey = "tokenizer.ggml.tokens";
constexpr const char *kTypesKey = "tokenizer.ggml.token_type";
constexpr const char *kScoresKey = "tokenizer.ggml.scores";

/// "tokenizer.ggml.tokens[7]", after the file, for messages.
std::string item_name(const Metadata &metadata, const char *key, size_t i) {
    return text(metadata.file(), ": ", key, "[", i, "]");
}

Result<void> check_length(const Metadata &metadata, const char *key, size_t found, size_t n_tokens) {
    if (found == n_tokens) return {};
    return error(Status::bad_format, metadata.file(), ": ", key, " has ", found, " items, ", kTokensKey, " has ",
                 n_tokens);
}

Result<StringTable> read_texts(const Metadata &metadata) {
    HADAL_TRY(const auto *tokens, metadata.strings(kTokensKey));
    if (tokens->empty())
        return error(Status::bad_format, metadata.file(), ": ", kTokensKey, " has 0 items, at least 1");
    if (tokens->size() > kMaxTokens) {
        return error(Status::bad_format, metadata.file(), ": ", kTokensKey, " has ", tokens->size(), " items, at most ",
                     kMaxTokens);
    }
    StringTable texts;
    for (size_t i = 0; i < tokens->size(); ++i) {
        const std::string &token = (*tokens)[i];
        if (token.size() > kMaxTokenBytes) {
            return error(Status::bad_format, item_name(metadata, kTokensKey, i), " has ", token.size(),
                         " bytes, at most ", kMaxTokenBytes);
        }
        if (const auto offset = utf8_error_offset(token)) {
            return error(Status::bad_format, item_name(metadata, kTokensKey, i), " is not UTF-8 at byte ", *offset);
        }
        texts.add(token);
    }
    return texts;
}

Result<void> check_distinct(const Metadata &metadata, const StringTable &texts) {
    std::vector<size_t> order(texts.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
        const int by_text = texts[a].compare(texts[b]);
        return by_text != 0 ? by_text < 0 : a < b;
    });
    for (size_t i = 1; i < order.size(); ++i) {
        const std::string_view token = texts[order[i]];
        if (!token.empty() && token == texts[order[i - 1]]) {
            return error(Status::bad_format, item_name(metadata, kTokensKey, order[i]), " is ", quoted(token),
                         ", the same as item ", order[i - 1]);
        }
    }
    return {};
}

Result<std::vector<TokenKind>> read_kinds(const Metadata &metadata, size_t n_tokens) {
    // The numbers of GGUF (and of SentencePiece's model file), from 1.
    constexpr TokenKind kKinds[] = {TokenKind::normal,       TokenKind::unknown, TokenKind::control,
                                    TokenKind::user_defined, TokenKind::unused,  TokenKind::byte};
    HADAL_TRY(const auto *types, metadata.integers(kTypesKey));
    HADAL_CHECK(check_length(metadata, kTypesKey, types->size(), n_tokens));
    std::vector<TokenKind> kinds;
    kinds.reserve(n_tokens);
    for (size_t i = 0; i < n_tokens; ++i) {
        const int64_t type = (*types)[i];
        if (type < 1 || type > 6) {
            return error(Status::bad_format, item_name(metadata, kTypesKey, i), " is ", type, ", allowed 1 to 6");
        }
        kinds.push_back(kKinds[type - 1]);
    }
    return kinds;
}

/// The id a key names; where it is absent, otherwise.
Result<Token> read_id(const Metadata &metadata, const char *key, size_t n_tokens, Token otherwise) {
    if (!metadata.has(key)) return otherwise;
    HADAL_TRY(const uint64_t id, metadata.uint(key, 0, n_tokens - 1));
    return static_cast<Token>(id);
}

Result<SpecialTokens> read_special(const Metadata &metadata, const std::vector<TokenKind> &kinds,
                                   const SpecialDefaults &defaults) {
    const auto id_or = [&](const char *key, Token otherwise, TokenKind needed) {
        const auto i = static_cast<size_t>(otherwise);
        const bool exists = otherwise >= 0 && i < kinds.size() && kinds[i] == needed;
        return read_id(metadata, key, kinds.size(), exists ? otherwise : -1);
    };
    SpecialTokens special;
    HADAL_TRY(special.bos, id_or("tokenizer.ggml.bos_token_id", defaults.bos, TokenKind::control));
    HADAL_TRY(special.eos, id_or("tokenizer.ggml.eos_token_id", defaults.eos, TokenKind::control));
    HADAL_TRY(special.unknown, id_or("tokenizer.ggml.unknown_token_id", defaults.unknown, TokenKind::unknown));
    HADAL_TRY(special.padding, id_or("tokenizer.ggml.padding_token_id", -1, TokenKind::control));
    HADAL_TRY(const Token end_of_turn, id_or("tokenizer.ggml.eot_token_id", -1, TokenKind::control));
    HADAL_TRY(const Token end_of_message, id_or("tokenizer.ggml.eom_token_id", -1, TokenKind::control));

    HADAL_TRY(special.add_bos,
              metadata.boolean_or("tokenizer.ggml.add_bos_token", defaults.add_bos && special.bos >= 0));
    HADAL_TRY(special.add_eos,
              metadata.boolean_or("tokenizer.ggml.add_eos_token", defaults.add_eos && special.eos >= 0));
    if (special.add_bos && special.bos < 0) {
        return error(Status::bad_format, metadata.file(),
                     ": tokenizer.ggml.add_bos_token is true, but tokenizer.ggml.bos_token_id is absent");
    }
    if (special.add_eos && special.eos < 0) {
        return error(Status::bad_format, metadata.file(),
                     ": tokenizer.ggml.add_eos_token is true, but tokenizer.ggml.eos_token_id is absent");
    }

    for (const Token stop : {special.eos, end_of_turn, end_of_message}) {
        if (stop >= 0) special.stops.push_back(stop);
    }
    std::sort(special.stops.begin(), special.stops.end());
    special.stops.erase(std::unique(special.stops.begin(), special.stops.end()), special.stops.end());
    return special;
}

}  // namespace

Result<Vocabulary> read_vocabulary(const Metadata &metadata, const SpecialDefaults &defaults) {
    Vocabulary vocabulary;
    HADAL_TRY(vocabulary.texts, read_texts(metadata));
    HADAL_CHECK(check_distinct(metadata, vocabulary.texts));
    HADAL_TRY(vocabulary.kinds, read_kinds(metadata, vocabulary.texts.size()));
    HADAL_TRY(vocabulary.special, read_special(metadata, vocabulary.kinds, defaults));
    return vocabulary;
}

Result<std::vector<float>> read_scores(const Metadata &metadata, size_t n_tokens) {
    HADAL_TRY(const auto *numbers, metadata.reals(kScoresKey));
    HADAL_CHECK(check_length(metadata, kScoresKey, numbers->size(), n_tokens));
    std::vector<float> scores;
    scores.reserve(n_tokens);
    for (size_t i = 0; i < n_tokens; ++i) {
        const double score = (*numbers)[i];
        if (!(std::abs(score) <= std::numeric_limits<float>::max())) {
            return error(Status::bad_format, item_name(metadata, kScoresKey, i), " is ", score,
                         ", allowed a finite float");
        }
        scores.push_back(static_cast<float>(score));
    }
    return scores;
}

}  // namespace hadal::core
