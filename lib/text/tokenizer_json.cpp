#include "text/tokenizer_json.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/file.h"
#include "text/tokenizer_json_parts.h"

namespace hadal::core {
namespace {

constexpr const char *kName = "tokenizer.json";
constexpr const char *kConfigName = "tokenizer_config.json";
constexpr uint64_t kMaxTokenizerBytes = uint64_t{128} << 20;  // the largest of today has 33 MB

Result<JsonText> read_json(const File &file, HeaderMemory &memory) {
    if (file.size() <= kMaxTokenizerBytes) return JsonText::read(file, 0, file.size(), memory);
    return error(Status::bad_format, file.path(), ": has ", file.size(), " bytes, at most ", kMaxTokenizerBytes);
}

/// A token with a role: its text, or an object that has it; nullopt: none.
Result<std::optional<Token>> read_role(const JsonFields &config, const char *key, const TokenIndex &index) {
    const auto element = config.find(key);
    if (!element) return std::optional<Token>();
    std::string_view text;
    if (JsonObject described; element->get(described) == simdjson::SUCCESS) {
        HADAL_TRY(const JsonFields fields, config.object(key));
        HADAL_TRY(text, fields.string("content"));
    } else {
        HADAL_TRY(text, config.string(key));
    }
    const Token token = index.find(text);
    if (token >= 0) return std::optional<Token>(token);
    return config.fault(Status::bad_format, quoted(key), " is ", quoted(text), ", which is no token");
}

/// Puts token in front of tokens, or takes it away.
Result<void> set_edge(const JsonFields &config, const char *key, Token token, std::vector<Token> &tokens) {
    if (!config.find(key)) return {};
    HADAL_TRY(const bool wanted, config.boolean_or(key, false));
    if (wanted && token < 0)
        return config.fault(Status::bad_format, quoted(key), " is true, but there is no such token");
    std::erase(tokens, token);
    if (wanted) tokens.insert(tokens.begin(), token);
    return {};
}

Result<void> apply_config(const JsonFields &config, const TokenIndex &index, Pipeline &pipeline) {
    SpecialTokens &special = pipeline.special;
    const std::pair<const char *, Token *> roles[] = {{"bos_token", &special.bos},
                                                      {"eos_token", &special.eos},
                                                      {"unk_token", &special.unknown},
                                                      {"pad_token", &special.padding}};
    for (const auto &[key, token] : roles) {
        HADAL_TRY(const auto role, read_role(config, key, index));
        if (role) *token = *role;
    }
    HADAL_CHECK(set_edge(config, "add_bos_token", special.bos, pipeline.prefix));
    return set_edge(config, "add_eos_token", special.eos, pipeline.suffix);
}

Result<Pipeline> read_pipeline(const JsonFields &root, const std::optional<JsonFields> &config) {
    Pipeline pipeline;
    HADAL_TRY(const JsonFields model, root.object("model"));
    HADAL_TRY(JsonVocabulary vocabulary, read_json_vocabulary(root, model));
    TokenIndex index(vocabulary.texts, vocabulary.texts.size());
    for (size_t i = 0; i < vocabulary.texts.size(); ++i) {
        const auto same = index.add(static_cast<Token>(i));
        if (!same) return root.fault(Status::bad_format, same.error().message);
        if (*same >= 0) {
            return root.fault(Status::bad_format, "tokens ", *same, " and ", i, " are both ",
                              quoted(vocabulary.texts[i]));
        }
    }
    if (root.find("normalizer")) {
        HADAL_TRY(const JsonFields fields, root.object("normalizer"));
        HADAL_CHECK(read_normalizer(fields, pipeline.normalizers));
    }
    if (root.find("pre_tokenizer")) {
        HADAL_TRY(const JsonFields fields, root.object("pre_tokenizer"));
        HADAL_CHECK(read_splitter(fields, pipeline.splitters));
    }
    if (root.find("decoder")) {
        HADAL_TRY(const JsonFields fields, root.object("decoder"));
        HADAL_CHECK(read_decoder(fields, pipeline.decoders));
    } else {
        pipeline.decoders.push_back(JoinWords{});
    }
    if (root.find("post_processor")) {
        HADAL_TRY(const JsonFields fields, root.object("post_processor"));
        Surroundings around;
        HADAL_CHECK(read_post_processor(fields, vocabulary.texts.size(), around));
        pipeline.prefix = std::move(around.prefix);
        pipeline.suffix = std::move(around.suffix);
    }
    HADAL_TRY(pipeline.model, read_model(model, vocabulary, index, pipeline.splitters));
    const auto unknown = std::find(vocabulary.kinds.begin(), vocabulary.kinds.end(), TokenKind::unknown);
    if (unknown != vocabulary.kinds.end()) {
        pipeline.special.unknown = static_cast<Token>(unknown - vocabulary.kinds.begin());
    }
    if (config) HADAL_CHECK(apply_config(*config, index, pipeline));
    SpecialTokens &special = pipeline.special;
    if (special.eos >= 0) special.stops.push_back(special.eos);
    special.add_bos = special.bos >= 0 && !pipeline.prefix.empty() && pipeline.prefix.front() == special.bos;
    special.add_eos = special.eos >= 0 && !pipeline.suffix.empty() && pipeline.suffix.back() == special.eos;
    pipeline.texts = std::move(vocabulary.texts);
    pipeline.kinds = std::move(vocabulary.kinds);
    pipeline.added = std::move(vocabulary.added);
    return pipeline;
}

/// An embedding may have more rows than there are tokens, rounded up for the machines it was trained on.
Result<void> fill_rows(const JsonFields &root, size_t n_rows, Pipeline &pipeline) {
    if (pipeline.texts.size() > n_rows) {
        return root.fault(Status::bad_format, "has ", pipeline.texts.size(), " tokens, the embedding has ", n_rows,
                          " rows");
    }
    while (pipeline.texts.size() < n_rows) pipeline.texts.add("");
    pipeline.kinds.resize(n_rows, TokenKind::unused);
    return {};
}

}  // namespace

Result<std::unique_ptr<const Tokenizer>> open_tokenizer_json(const std::string &folder, const std::string &name,
                                                             std::optional<size_t> n_rows) {
    HADAL_TRY(const Folder place, Folder::open(folder));
    HADAL_TRY(const File file, place.open_file(name));
    HeaderMemory memory(file.path());
    HADAL_TRY(const JsonText json, read_json(file, memory));
    const JsonFields root(json, json.root(), file.path(), "tokenizer");

    const auto config_file = place.open_file(kConfigName);
    if (!config_file && config_file.error().status != Status::not_found) return config_file.error();
    HeaderMemory config_memory(folder);
    std::optional<JsonText> config_json;
    std::optional<JsonFields> config;
    if (config_file) {
        HADAL_TRY(JsonText text, read_json(*config_file, config_memory));
        config_json.emplace(std::move(text));
        config.emplace(*config_json, config_json->root(), config_file->path(), "tokenizer_config");
    }
    HADAL_TRY(Pipeline pipeline, read_pipeline(root, config));
    if (n_rows) HADAL_CHECK(fill_rows(root, *n_rows, pipeline));
    return make_tokenizer(std::move(pipeline));
}

Result<std::unique_ptr<const Tokenizer>> parse_tokenizer_json(std::string_view tokenizer,
                                                              std::optional<std::string_view> config) {
    HeaderMemory memory(kName), config_memory(kConfigName);
    HADAL_TRY(const JsonText json, JsonText::parse(kName, tokenizer, memory));
    const JsonFields root(json, json.root(), kName, "tokenizer");
    std::optional<JsonText> config_json;
    std::optional<JsonFields> config_fields;
    if (config) {
        HADAL_TRY(JsonText text, JsonText::parse(kConfigName, *config, config_memory));
        config_json.emplace(std::move(text));
        config_fields.emplace(*config_json, config_json->root(), kConfigName, "tokenizer_config");
    }
    HADAL_TRY(Pipeline pipeline, read_pipeline(root, config_fields));
    return make_tokenizer(std::move(pipeline));
}

}  // namespace hadal::core
