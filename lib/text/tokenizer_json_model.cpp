// "model": BPE, Unigram, WordPiece, WordLevel.
#include <algorithm>
#include <utility>

#include "text/bpe.h"
#include "text/byte_level.h"
#include "text/tokenizer_json_parts.h"
#include "text/unigram.h"
#include "text/vocabulary.h"
#include "text/word_piece.h"

namespace hadal::core {
namespace {

constexpr uint64_t kMaxWord = 4096;  // real ones stop at 100 to 200 code points

enum class PartsOfWords { some, none };

class ModelReader {
public:
    ModelReader(const JsonFields &model, JsonVocabulary &vocabulary, const TokenIndex &index)
        : model_(model), vocabulary_(vocabulary), index_(index) {}

    Result<std::unique_ptr<const TokenModel>> read_bpe(std::vector<SplitStep> &splitters);
    Result<std::unique_ptr<const TokenModel>> read_unigram();
    Result<std::unique_ptr<const TokenModel>> read_words(PartsOfWords parts);

private:
    Result<Token> read_unknown(const char *key);
    Result<std::vector<BpeMerge>> read_merges(size_t later_prefix_bytes);
    Result<BpeMerge> read_merge(JsonElement element, size_t i, size_t later_prefix_bytes);
    /// nullopt where the vocabulary has not all 256.
    std::optional<std::array<Token, 256>> byte_tokens();
    bool has_all_letters() const;
    StringTable byte_forms(std::vector<Token> &members) const;
    template <class Model>
    Result<std::unique_ptr<const TokenModel>> named(Result<std::unique_ptr<const Model>> made) const {
        if (!made) return model_.fault(made.error().status, made.error().message);
        return std::unique_ptr<const TokenModel>(*std::move(made));
    }

    const JsonFields &model_;
    JsonVocabulary &vocabulary_;
    const TokenIndex &index_;
    std::string joined_;
};

Result<Token> ModelReader::read_unknown(const char *key) {
    HADAL_TRY(const auto text, model_.string_or(key, ""));
    if (text.empty()) return Token{-1};
    const Token token = index_.find(text);
    if (token < 0) return model_.fault(Status::bad_format, quoted(key), " is ", quoted(text), ", which is no token");
    auto &kind = vocabulary_.kinds[static_cast<size_t>(token)];
    if (kind == TokenKind::normal) kind = TokenKind::unknown;
    return token;
}

std::optional<std::array<Token, 256>> ModelReader::byte_tokens() {
    constexpr char kDigits[] = "0123456789ABCDEF";
    std::array<Token, 256> tokens{};
    for (size_t byte = 0; byte < 256; ++byte) {
        const char name[] = {'<', '0', 'x', kDigits[byte / 16], kDigits[byte % 16], '>'};
        tokens[byte] = index_.find(std::string_view(name, sizeof name));
        if (tokens[byte] < 0) return std::nullopt;
    }
    for (const Token token : tokens) vocabulary_.kinds[static_cast<size_t>(token)] = TokenKind::byte;
    return tokens;
}

Result<BpeMerge> ModelReader::read_merge(JsonElement element, size_t i, size_t later_prefix_bytes) {
    std::string_view left, right;
    JsonArray pair;
    if (element.get(pair) == simdjson::SUCCESS) {
        JsonElement halves[2];
        if (pair.size() != 2 || pair.at(0).get(halves[0]) != simdjson::SUCCESS ||
            pair.at(1).get(halves[1]) != simdjson::SUCCESS) {
            return model_.fault(Status::bad_format, "merges[", i, "] is not two tokens");
        }
        HADAL_TRY(left, model_.json().string(halves[0], "model.merges[i][0]"));
        HADAL_TRY(right, model_.json().string(halves[1], "model.merges[i][1]"));
    } else {
        HADAL_TRY(const auto line, model_.json().string(element, "model.merges[i]"));
        const size_t space = line.find(' ');
        if (space == std::string_view::npos) {
            return model_.fault(Status::bad_format, "merges[", i, "] is ", quoted(line),
                                ", not two tokens and a space");
        }
        left = line.substr(0, space);
        right = line.substr(space + 1);
    }
    joined_ = left;
    joined_ += right.substr(std::min(later_prefix_bytes, right.size()));
    const BpeMerge merge = {index_.find(left), index_.find(right), index_.find(joined_)};
    if (merge.left < 0 || merge.right < 0 || merge.merged < 0) {
        return model_.fault(Status::bad_format, "merges[", i, "] is ", quoted(left), " and ", quoted(right),
                            merge.left < 0    ? ", the first is no token"
                            : merge.right < 0 ? ", the second is no token"
                                              : ", the two together are no token");
    }
    return merge;
}

Result<std::vector<BpeMerge>> ModelReader::read_merges(size_t later_prefix_bytes) {
    HADAL_TRY(const JsonArray items, model_.array("merges"));
    std::vector<BpeMerge> merges;
    for (const JsonElement item : items) {
        if (merges.size() == kMaxTokens) {
            return model_.fault(Status::bad_format, "'merges' has more than ", kMaxTokens, " items");
        }
        HADAL_TRY(const BpeMerge merge, read_merge(item, merges.size(), later_prefix_bytes));
        // What is written as a special token is stays text.
        if (vocabulary_.kinds[static_cast<size_t>(merge.merged)] != TokenKind::control) merges.push_back(merge);
    }
    return merges;
}

bool ModelReader::has_all_letters() const {
    for (size_t byte = 0; byte < 256; ++byte) {
        const char one = static_cast<char>(byte);
        std::string letter;
        append_letters(std::string_view(&one, 1), letter);
        if (index_.find(letter) < 0) return false;
    }
    return true;
}

StringTable ModelReader::byte_forms(std::vector<Token> &members) const {
    StringTable forms;
    size_t member_i = 0;
    for (size_t i = 0; i < vocabulary_.texts.size(); ++i) {
        const bool is_member =
            member_i < vocabulary_.members.size() && static_cast<size_t>(vocabulary_.members[member_i]) == i;
        if (is_member) ++member_i;
        const auto bytes = is_member ? bytes_of_letters(vocabulary_.texts[i]) : std::nullopt;
        forms.add(bytes ? std::string_view(*bytes) : std::string_view());
        if (bytes && !bytes->empty()) members.push_back(static_cast<Token>(i));
    }
    return forms;
}

Result<std::unique_ptr<const TokenModel>> ModelReader::read_bpe(std::vector<SplitStep> &splitters) {
    BpeRules rules;
    HADAL_TRY(rules.later_prefix, model_.string_or("continuing_subword_prefix", ""));
    HADAL_TRY(rules.last_suffix, model_.string_or("end_of_word_suffix", ""));
    HADAL_TRY(const bool takes_whole, model_.boolean_or("ignore_merges", false));
    if (takes_whole) rules.whole_pieces = WholePieces::take;
    HADAL_TRY(const bool fuses, model_.boolean_or("fuse_unk", false));
    if (fuses) rules.unknown_runs = UnknownRuns::fused;
    HADAL_TRY(rules.unknown, read_unknown("unk_token"));
    HADAL_TRY(const bool falls_back, model_.boolean_or("byte_fallback", false));
    double dropout = 0;
    if (const auto element = model_.find("dropout");
        element && (element->get(dropout) != simdjson::SUCCESS || dropout != 0)) {
        return model_.fault(Status::unsupported, "'dropout' makes tokens random");
    }
    HADAL_TRY(const std::vector<BpeMerge> merges, read_merges(rules.later_prefix.size()));
    const bool has_letters = !splitters.empty() && std::holds_alternative<BytesToLetters>(splitters.back());
    const bool is_plain = rules.later_prefix.empty() && rules.last_suffix.empty();
    if (has_letters && is_plain && (rules.unknown < 0 || has_all_letters())) {
        splitters.pop_back();
        std::vector<Token> members;
        StringTable forms = byte_forms(members);
        return named(Bpe::make(std::move(forms), members, merges, std::move(rules)));
    }
    rules.symbols = BpeSymbols::code_points;
    if (falls_back) {
        const auto tokens = byte_tokens();
        if (!tokens) return model_.fault(Status::unsupported, "'byte_fallback' without the 256 tokens of bytes");
        rules.byte_tokens = *tokens;
        rules.has_byte_tokens = true;
    }
    return named(Bpe::make(vocabulary_.texts, vocabulary_.members, merges, std::move(rules)));
}

Result<std::unique_ptr<const TokenModel>> ModelReader::read_unigram() {
    UnigramRules rules;
    if (vocabulary_.scores.empty()) return model_.fault(Status::bad_format, "'vocab' has no scores");
    HADAL_TRY(const bool falls_back, model_.boolean_or("byte_fallback", false));
    if (falls_back) {
        const auto tokens = byte_tokens();
        if (!tokens) return model_.fault(Status::unsupported, "'byte_fallback' without the 256 tokens of bytes");
        rules.byte_tokens = *tokens;
        rules.has_byte_tokens = true;
    }
    if (!model_.find("unk_id")) return model_.fault(Status::unsupported, "'unk_id' is absent");
    HADAL_TRY(const uint64_t unknown, model_.uint_or("unk_id", 0, vocabulary_.n_scored - 1));
    rules.unknown = static_cast<Token>(unknown);
    auto &kind = vocabulary_.kinds[static_cast<size_t>(unknown)];
    if (kind == TokenKind::normal) kind = TokenKind::unknown;
    rules.scores = vocabulary_.scores;
    rules.unknown_score = vocabulary_.least_score - kUnknownPenalty;
    return std::unique_ptr<const TokenModel>(
        std::make_unique<const Unigram>(vocabulary_.texts, vocabulary_.members, std::move(rules)));
}

Result<std::unique_ptr<const TokenModel>> ModelReader::read_words(PartsOfWords parts) {
    WordPieceRules rules;
    rules.whole_words_only = parts == PartsOfWords::none;
    HADAL_TRY(rules.unknown, read_unknown("unk_token"));
    if (rules.unknown < 0) return model_.fault(Status::unsupported, "'unk_token' is absent");
    if (parts == PartsOfWords::some) {
        HADAL_TRY(rules.later_prefix, model_.string_or("continuing_subword_prefix", "##"));
        HADAL_TRY(rules.max_code_points, model_.uint_or("max_input_chars_per_word", 100, kMaxWord));
    }
    return std::unique_ptr<const TokenModel>(
        std::make_unique<const WordPiece>(vocabulary_.texts, vocabulary_.members, std::move(rules)));
}

}  // namespace

Result<std::unique_ptr<const TokenModel>> read_model(const JsonFields &model, JsonVocabulary &vocabulary,
                                                     const TokenIndex &index, std::vector<SplitStep> &splitters) {
    ModelReader reader(model, vocabulary, index);
    // Files of old do not name the type; only BPE has merges.
    HADAL_TRY(const auto type, model.string_or("type", model.find("merges") ? "BPE" : ""));
    if (type == "BPE") return reader.read_bpe(splitters);
    if (type == "Unigram") return reader.read_unigram();
    if (type == "WordPiece") return reader.read_words(PartsOfWords::some);
    if (type == "WordLevel") return reader.read_words(PartsOfWords::none);
    return model.fault(Status::unsupported, "the type ", quoted(type), " is not one we know");
}

}  // namespace hadal::core
