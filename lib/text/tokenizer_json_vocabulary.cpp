// The model's vocabulary and the added tokens, by id.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "text/code_points.h"
#include "text/tokenizer_json_parts.h"
#include "text/vocabulary.h"

namespace hadal::core {
namespace {

/// Ids may leave gaps, but a short file may not ask for a long table.
constexpr size_t kMaxGaps = 65536;

/// Texts by id, while they come in any order; the texts are the JSON's.
class TextsById {
public:
    TextsById(const JsonFields &root, size_t n_expected) : root_(root) { texts_.reserve(n_expected); }

    Result<void> add(std::string_view token, uint64_t id) {
        if (id >= kMaxTokens || id > 2 * n_added_ + kMaxGaps + texts_.capacity()) {
            return root_.fault(Status::bad_format, "token ", quoted(token), " has the id ", id, ", too far from ",
                               n_added_, " others");
        }
        if (token.size() > kMaxTokenBytes) {
            return root_.fault(Status::bad_format, "token ", id, " has ", token.size(), " bytes, at most ",
                               kMaxTokenBytes);
        }
        if (id >= texts_.size()) texts_.resize(id + 1);
        if (texts_[id].data() != nullptr && texts_[id] != token) {
            return root_.fault(Status::bad_format, "id ", id, " is token ", quoted(texts_[id]), " and ", quoted(token));
        }
        texts_[id] = token;
        ++n_added_;
        return {};
    }

    size_t size() const { return texts_.size(); }
    bool has(size_t id) const { return texts_[id].data() != nullptr; }
    StringTable table() const {
        StringTable table;
        for (const std::string_view text : texts_) table.add(text);
        return table;
    }

private:
    const JsonFields &root_;
    std::vector<std::string_view> texts_;
    size_t n_added_ = 0;
};

/// {"token": id, ...}
Result<void> read_map(const JsonFields &model, TextsById &texts, std::vector<Token> &members) {
    const auto element = model.find("vocab");
    if (!element) return model.fault(Status::bad_format, "'vocab' is absent");
    HADAL_TRY(const JsonObject map, model.json().object(*element, "model.vocab"));
    for (const auto [key, value] : map) {
        HADAL_TRY(const auto token, model.json().key(key));
        HADAL_TRY(const uint64_t id, model.json().uint(value, JsonPlace("model.vocab: ", token)));
        HADAL_CHECK(texts.add(token, id));
        members.push_back(static_cast<Token>(id));
    }
    return {};
}

/// [["token", score], ...], by id.
Result<void> read_scored(const JsonFields &model, TextsById &texts, JsonVocabulary &vocabulary) {
    HADAL_TRY(const JsonArray items, model.array("vocab"));
    for (const JsonElement item : items) {
        const size_t id = vocabulary.scores.size();
        HADAL_TRY(const JsonArray pair, model.json().array(item, "model.vocab[i]"));
        JsonElement text;
        double score = 0;
        if (pair.size() != 2 || pair.at(0).get(text) != simdjson::SUCCESS ||
            pair.at(1).get(score) != simdjson::SUCCESS) {
            return model.fault(Status::bad_format, "vocab[", id, "] is not a token and its score");
        }
        HADAL_TRY(const auto token, model.json().string(text, "model.vocab[i][0]"));
        HADAL_CHECK(texts.add(token, id));
        vocabulary.scores.push_back(score);
        vocabulary.least_score = std::min(vocabulary.least_score, score);
        vocabulary.members.push_back(static_cast<Token>(id));
    }
    return {};
}

Result<AddedToken> read_added(const JsonFields &fields) {
    AddedToken token;
    HADAL_TRY(token.text, fields.string("content"));
    if (token.text.empty()) return fields.fault(Status::bad_format, "'content' is empty");
    if (!fields.find("id")) return fields.fault(Status::bad_format, "'id' is absent");
    HADAL_TRY(const uint64_t id, fields.uint_or("id", 0, kMaxTokens - 1));
    token.token = static_cast<Token>(id);
    HADAL_TRY(token.special, fields.boolean_or("special", false));
    HADAL_TRY(token.normalized, fields.boolean_or("normalized", !token.special));
    HADAL_TRY(token.strips_left, fields.boolean_or("lstrip", false));
    HADAL_TRY(token.strips_right, fields.boolean_or("rstrip", false));
    HADAL_TRY(token.single_word, fields.boolean_or("single_word", false));
    return token;
}

}  // namespace

Result<JsonVocabulary> read_json_vocabulary(const JsonFields &root, const JsonFields &model) {
    JsonVocabulary vocabulary;
    std::vector<JsonFields> added;
    if (root.find("added_tokens")) {
        HADAL_TRY(added, root.objects("added_tokens"));
    }
    TextsById texts(root, added.size());
    JsonArray scored;
    const auto vocab = model.find("vocab");
    if (vocab && vocab->get(scored) == simdjson::SUCCESS) {
        HADAL_CHECK(read_scored(model, texts, vocabulary));
    } else {
        HADAL_CHECK(read_map(model, texts, vocabulary.members));
    }
    for (const JsonFields &fields : added) {
        HADAL_TRY(AddedToken token, read_added(fields));
        HADAL_TRY(const auto text, fields.string("content"));
        HADAL_CHECK(texts.add(text, static_cast<uint64_t>(token.token)));
        vocabulary.added.push_back(std::move(token));
    }
    if (texts.size() == 0) return root.fault(Status::bad_format, "there is no token");
    vocabulary.texts = texts.table();
    vocabulary.n_scored = vocabulary.scores.size();
    if (vocabulary.n_scored > 0) vocabulary.scores.resize(texts.size());
    vocabulary.kinds.assign(texts.size(), TokenKind::unused);
    for (const Token token : vocabulary.members) vocabulary.kinds[static_cast<size_t>(token)] = TokenKind::normal;
    for (const AddedToken &token : vocabulary.added) {
        vocabulary.kinds[static_cast<size_t>(token.token)] =
            token.special ? TokenKind::control : TokenKind::user_defined;
    }
    // A special token is found in a text where it is asked for, and is made of plain text by no model. One character
    // stays, though: without it that character could not be written.
    std::erase_if(vocabulary.members, [&vocabulary](Token token) {
        const std::string_view text = vocabulary.texts[static_cast<size_t>(token)];
        return vocabulary.kinds[static_cast<size_t>(token)] == TokenKind::control && !text.empty() &&
               code_point_bytes(text[0]) < text.size();
    });
    std::sort(vocabulary.members.begin(), vocabulary.members.end());
    return vocabulary;
}

}  // namespace hadal::core
