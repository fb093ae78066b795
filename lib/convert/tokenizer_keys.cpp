// Facts: tokenizer.json as Hugging Face's tokenizers write it; keys and token types as llama.cpp's converter does.
#include "convert/tokenizer_keys.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "base/file.h"
#include "base/utf8.h"
#include "convert/splitter_name.h"
#include "format/chat_templates.h"
#include "format/json.h"

namespace hadal::core {
namespace {

/// The largest tokenizer.json of today has 33 MB.
constexpr uint64_t kMaxTokenizerBytes = uint64_t{128} << 20;

/// What readers of GGUF, this one among them, take for a token.
constexpr size_t kMaxTokenBytes = 4096;

/// Vocabularies in other forms, which are not converted.
constexpr const char *kOtherVocabularies[] = {"tokenizer.model", "tokenizer.tiktoken", "qwen.tiktoken", "tekken.json",
                                              "spiece.model",    "vocab.json",         "vocab.txt"};

// Values of tokenizer.ggml.token_type.
constexpr int32_t kNormal = 1, kControl = 3, kUserDefined = 4, kUnused = 5;

/// A JSON file of the folder; nullopt: it is not there.
Result<std::optional<JsonText>> read_json(const Folder &folder, const char *name, HeaderMemory &memory) {
    const auto file = folder.open_file(name);
    if (!file && file.error().status == Status::not_found) return std::optional<JsonText>();
    if (!file) return file.error();
    if (file->size() > kMaxTokenizerBytes) {
        return error(Status::bad_format, file->path(), ": has ", file->size(), " bytes, at most ", kMaxTokenizerBytes);
    }
    HADAL_TRY(JsonText json, JsonText::read(*file, 0, file->size(), memory));
    return std::optional<JsonText>(std::move(json));
}

/// nullopt: absent or null.
std::optional<JsonElement> field(JsonObject object, std::string_view key) {
    JsonElement element;
    if (object.at_key(key).get(element) != simdjson::SUCCESS || element.is_null()) return std::nullopt;
    return element;
}

bool is_true(JsonObject object, std::string_view key) {
    bool flag = false;
    const auto element = field(object, key);
    return element && element->get(flag) == simdjson::SUCCESS && flag;
}

std::string_view text_of(JsonObject object, std::string_view key) {
    std::string_view string;
    if (const auto element = field(object, key)) static_cast<void>(element->get(string) == simdjson::SUCCESS);
    return string;
}

/// Tokens that chats and prompts are framed with are control tokens, whatever tokenizer.json says of them.
bool looks_special(std::string_view token) {
    return (token.starts_with("<|") && token.ends_with("|>")) ||
           (token.starts_with("<\uFF5C") && token.ends_with("\uFF5C>"));
}

/// Reads tokenizer.json.
class TokenizerReader {
public:
    TokenizerReader(std::string path, const JsonText &json, uint32_t n_vocab)
        : path_(std::move(path)), json_(json), tokens_(n_vocab), types_(n_vocab, kUnused) {}

    Result<void> read(std::vector<GgufKey> &keys) {
        HADAL_TRY(const JsonObject model, object(json_.root(), "model"));
        if (text_of(model, "type") != "BPE" || is_true(model, "byte_fallback")) {
            return error(Status::unsupported, path_, ": the model is ", quoted(text_of(model, "type")),
                         is_true(model, "byte_fallback") ? " with byte_fallback" : "", ", byte-level BPE is converted");
        }
        HADAL_CHECK(vocabulary(model));
        HADAL_CHECK(added_tokens());
        if (ids_.empty()) return error(Status::bad_format, path_, ": 'vocab' has 0 tokens, at least 1");
        HADAL_TRY(std::vector<std::string> merges, read_merges(model));
        HADAL_CHECK(check_normalizer());
        HADAL_TRY(const std::string splitter, read_splitter());
        name_unused();
        keys.push_back({"tokenizer.ggml.model", "gpt2"});
        keys.push_back({"tokenizer.ggml.pre", splitter});
        keys.push_back({"tokenizer.ggml.tokens", std::move(tokens_)});
        keys.push_back({"tokenizer.ggml.token_type", std::move(types_)});
        keys.push_back({"tokenizer.ggml.merges", std::move(merges)});
        return {};
    }

    /// The id of a token, by its text.
    std::optional<uint32_t> id(std::string_view token) const {
        const auto found = ids_.find(token);
        return found == ids_.end() ? std::nullopt : std::optional(found->second);
    }

private:
    Result<JsonObject> object(JsonObject in, const char *key) const {
        const auto element = field(in, key);
        if (!element) return error(Status::bad_format, path_, ": '", key, "' is absent");
        return json_.object(*element, key);
    }

    Result<void> add(std::string_view token, uint64_t id, int32_t type) {
        if (id >= tokens_.size()) {
            return error(Status::bad_format, path_, ": token ", quoted(token), " has the id ", id, ", the model has ",
                         tokens_.size(), " tokens");
        }
        std::string &slot = tokens_[id];
        if (types_[id] != kUnused && slot != token) {
            return error(Status::bad_format, path_, ": id ", id, " is token ", quoted(slot), " and ", quoted(token));
        }
        if (token.size() > kMaxTokenBytes) {
            return error(Status::bad_format, path_, ": token ", quoted(token), " has ", token.size(),
                         " bytes, at most ", kMaxTokenBytes);
        }
        const auto [known, is_new] = ids_.try_emplace(std::string(token), static_cast<uint32_t>(id));
        if (known->second != id) {
            return error(Status::bad_format, path_, ": token ", quoted(token), " has the ids ", known->second, " and ",
                         id);
        }
        slot = token;
        types_[id] = type;
        return {};
    }

    Result<void> vocabulary(JsonObject model) {
        HADAL_TRY(const JsonObject vocab, object(model, "vocab"));
        for (const auto [key, element] : vocab) {
            HADAL_TRY(const auto token, json_.key(key));
            HADAL_TRY(const uint64_t id, json_.uint(element, text("vocab: ", quoted(token))));
            HADAL_CHECK(add(token, id, kNormal));
        }
        return {};
    }

    Result<void> added_tokens() {
        const auto list = field(json_.root(), "added_tokens");
        if (!list) return {};
        HADAL_TRY(const JsonArray entries, json_.array(*list, "added_tokens"));
        for (const JsonElement entry : entries) {
            HADAL_TRY(const JsonObject fields, json_.object(entry, "an added token"));
            const auto content = field(fields, "content"), id = field(fields, "id");
            if (!content || !id) {
                return error(Status::bad_format, path_, ": an added token has no 'content' or no 'id'");
            }
            HADAL_TRY(const auto token, json_.string(*content, "the content of an added token"));
            HADAL_TRY(const uint64_t number, json_.uint(*id, text("the id of ", quoted(token))));
            const bool special = is_true(fields, "special") || looks_special(token);
            HADAL_CHECK(add(token, number, special ? kControl : kUserDefined));
        }
        return {};
    }

    Result<void> check_merge(size_t i, std::string_view merge) const {
        const auto refusal = [&](std::string_view why) {
            return error(Status::bad_format, path_, ": merges[", i, "]: merge ", quoted(merge), " is not two tokens",
                         why);
        };
        if (std::count(merge.begin(), merge.end(), ' ') != 1) return refusal("");
        const auto left = merge.substr(0, merge.find(' ')), right = merge.substr(merge.find(' ') + 1);
        for (const auto half : {left, right}) {
            if (half.empty()) return refusal(": one is empty");
            if (!id(half)) return refusal(text(": ", quoted(half), " is not in the vocabulary"));
        }
        const std::string joined = text(left, right);
        if (!id(joined)) return refusal(text(" that make one: ", quoted(joined), " is not in the vocabulary"));
        return {};
    }

    /// "left right" of each; newer files have pairs.
    Result<std::vector<std::string>> read_merges(JsonObject model) const {
        std::vector<std::string> merges;
        const auto list = field(model, "merges");
        if (!list) return error(Status::bad_format, path_, ": 'merges' is absent");
        HADAL_TRY(const JsonArray entries, json_.array(*list, "merges"));
        for (const JsonElement entry : entries) {
            std::string merge;
            if (JsonArray pair; entry.get(pair) == simdjson::SUCCESS) {
                size_t n_halves = 0;
                for (const JsonElement part : pair) {
                    HADAL_TRY(const auto half, json_.string(part, "a half of a merge"));
                    if (n_halves++ > 0) merge += ' ';
                    merge += half;
                }
            } else {
                HADAL_TRY(merge, json_.string(entry, "a merge"));
            }
            HADAL_CHECK(check_merge(merges.size(), merge));
            merges.push_back(std::move(merge));
        }
        return merges;
    }

    /// Readers of GGUF know none; NFC, which Qwen has, changes no text that is in that form already, as nearly all is.
    Result<void> check_normalizer() const {
        const auto element = field(json_.root(), "normalizer");
        if (!element) return {};
        HADAL_TRY(const JsonObject normalizer, json_.object(*element, "normalizer"));
        const auto type = text_of(normalizer, "type");
        if (type == "NFC") return {};
        if (type == "Sequence") {
            HADAL_TRY(const JsonArray steps, sequence(normalizer, "normalizers"));
            if (steps.size() == 0) return {};
        }
        return error(Status::unsupported, path_, ": the normalizer ", quoted(type), " has no name in GGUF");
    }

    Result<JsonArray> sequence(JsonObject in, const char *key) const {
        const auto element = field(in, key);
        if (!element) return error(Status::bad_format, path_, ": a Sequence without '", key, "'");
        return json_.array(*element, key);
    }

    Error unknown_splitter(std::string_view what) const {
        return error(Status::unsupported, path_, ": the pre_tokenizer ", quoted(what), " has no name in GGUF");
    }

    /// One step of the pre_tokenizer as an expression; none for ByteLevel, which only maps bytes to characters.
    Result<void> add_expression(JsonObject step, std::vector<std::string> &expressions) const {
        const auto type = text_of(step, "type");
        if (type == "ByteLevel") {
            if (is_true(step, "use_regex")) return unknown_splitter("ByteLevel with use_regex");
            if (is_true(step, "add_prefix_space")) return unknown_splitter("ByteLevel with add_prefix_space");
            return {};
        }
        if (type == "Digits" && is_true(step, "individual_digits")) {
            expressions.emplace_back(kSingleDigits);
            return {};
        }
        if (type != "Split" || text_of(step, "behavior") != "Isolated" || is_true(step, "invert")) {
            return unknown_splitter(type);
        }
        HADAL_TRY(const JsonObject pattern, object(step, "pattern"));
        expressions.emplace_back(text_of(pattern, "Regex"));
        return {};
    }

    Result<std::string> read_splitter() const {
        HADAL_TRY(const JsonObject whole, object(json_.root(), "pre_tokenizer"));
        std::vector<std::string> expressions;
        if (text_of(whole, "type") == "Sequence") {
            HADAL_TRY(const JsonArray steps, sequence(whole, "pretokenizers"));
            for (const JsonElement element : steps) {
                HADAL_TRY(const JsonObject step, json_.object(element, "a step of the pre_tokenizer"));
                HADAL_CHECK(add_expression(step, expressions));
            }
        } else {
            HADAL_CHECK(add_expression(whole, expressions));
        }
        const Turns turns = id("<\uFF5CUser\uFF5C>") ? Turns::deepseek : Turns::others;
        const char *name = splitter_name(expressions, turns);
        if (name != nullptr) return std::string(name);
        std::string all;
        for (const std::string &expression : expressions) all += text(all.empty() ? "" : "  ", expression);
        return unknown_splitter(all);
    }

    /// Embeddings have more rows than there are tokens, for the sake of round numbers.
    void name_unused() {
        for (size_t i = 0; i < tokens_.size(); ++i) {
            if (types_[i] != kUnused) continue;
            tokens_[i] = text("[PAD", i, "]");
            while (id(tokens_[i])) tokens_[i] += '_';
        }
    }

    std::string path_;
    const JsonText &json_;
    std::vector<std::string> tokens_;
    std::vector<int32_t> types_;
    std::map<std::string, uint32_t, std::less<>> ids_;
};

/// A special token of tokenizer_config.json: its text, or an object that has it.
std::string_view special_text(JsonObject config, const char *key) {
    JsonObject described;
    const auto element = field(config, key);
    if (element && element->get(described) == simdjson::SUCCESS) return text_of(described, "content");
    return text_of(config, key);
}

struct Special {
    const char *name;        ///< in GGUF, before _token_id
    const char *config_key;  ///< in tokenizer_config.json, before _token
};
constexpr Special kSpecials[] = {{"bos", "bos"}, {"eos", "eos"}, {"unknown", "unk"}, {"padding", "pad"}};

/// What config.json says of a token; nullopt: nothing, or -1, which means none.
Result<std::optional<uint32_t>> config_id(const Metadata &config, const std::string &key, uint32_t n_vocab) {
    const MetaValue *value = config.find(key);
    const auto *negative = value == nullptr ? nullptr : std::get_if<int64_t>(value);
    const bool is_number = value != nullptr && (negative != nullptr || std::holds_alternative<uint64_t>(*value));
    if (!is_number || (negative != nullptr && *negative == -1)) return std::optional<uint32_t>();
    HADAL_TRY(const uint64_t id, config.uint(key, 0, n_vocab - 1));
    return std::optional(static_cast<uint32_t>(id));
}

Result<void> add_special_ids(const Metadata &config, const std::optional<JsonText> &tokenizer_config,
                             const TokenizerReader &reader, uint32_t n_vocab, std::vector<GgufKey> &keys) {
    for (const Special &special : kSpecials) {
        std::optional<uint32_t> id;
        if (tokenizer_config) {
            id = reader.id(special_text(tokenizer_config->root(), text(special.config_key, "_token").c_str()));
        }
        HADAL_TRY(const auto number, config_id(config, text(special.config_key, "_token_id"), n_vocab));
        if (!id) id = number;
        if (id) keys.push_back({text("tokenizer.ggml.", special.name, "_token_id"), *id});
        const std::string adds = text("add_", special.config_key, "_token");
        if (!id && tokenizer_config && is_true(tokenizer_config->root(), adds)) {
            return error(Status::bad_format, config.file(), ": tokenizer_config.json's ", adds, " is true, and no ",
                         special.config_key, "_token is known");
        }
    }
    return {};
}

void add_config(JsonObject config, std::vector<GgufKey> &keys) {
    for (const char *key : {"add_bos_token", "add_eos_token"}) {
        if (field(config, key)) keys.push_back({text("tokenizer.ggml.", key), is_true(config, key)});
    }
}

}  // namespace

Result<std::vector<GgufKey>> read_tokenizer_keys(const Checkpoint &checkpoint, uint32_t n_vocab) {
    HADAL_TRY(const Folder folder, Folder::open(checkpoint.path()));
    HeaderMemory memory(checkpoint.path());
    HADAL_TRY(const auto tokenizer, read_json(folder, "tokenizer.json", memory));
    std::vector<GgufKey> keys;
    if (!tokenizer) {
        for (const char *name : kOtherVocabularies) {
            const auto other = folder.open_file(name);
            if (!other && other.error().status == Status::not_found) continue;
            return error(Status::unsupported, folder.path(), ": has ", name,
                         " but no tokenizer.json, the only form of a vocabulary that is converted");
        }
        keys.push_back({"tokenizer.ggml.model", "none"});
        return keys;
    }
    TokenizerReader reader(folder.path() + "/tokenizer.json", *tokenizer, n_vocab);
    HADAL_CHECK(reader.read(keys));
    HADAL_TRY(const auto config, read_json(folder, "tokenizer_config.json", memory));
    HADAL_CHECK(add_special_ids(checkpoint.metadata(), config, reader, n_vocab, keys));
    if (config) add_config(config->root(), keys);
    HADAL_TRY(ChatTemplates chat, read_chat_templates(folder));
    if (!chat.standard.empty()) keys.push_back({"tokenizer.chat_template", std::move(chat.standard)});
    if (!chat.with_tools.empty()) keys.push_back({"tokenizer.chat_template.tool_use", std::move(chat.with_tools)});
    return keys;
}

}  // namespace hadal::core
