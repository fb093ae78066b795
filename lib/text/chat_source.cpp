// Facts: transformers gives a template its special tokens as bos_token, eos_token and so on; GGUF has their ids.
#include "text/chat_source.h"

#include <optional>

#include "text/json_fields.h"

namespace hadal::core {
namespace {

constexpr const char *kTokenKeys[] = {"bos_token", "eos_token", "unk_token", "pad_token",
                                      "sep_token", "cls_token", "mask_token"};

struct GgufRole {
    const char *variable;
    const char *key;
};
constexpr GgufRole kGgufRoles[] = {{"bos_token", "tokenizer.ggml.bos_token_id"},
                                   {"eos_token", "tokenizer.ggml.eos_token_id"},
                                   {"unk_token", "tokenizer.ggml.unknown_token_id"},
                                   {"pad_token", "tokenizer.ggml.padding_token_id"}};

/// One JSON file of a folder, while this lives; fields is nullopt where there is no such file.
struct JsonFile {
    HeaderMemory memory;
    std::optional<JsonText> json;
    std::optional<JsonFields> fields;

    explicit JsonFile(const Folder &folder) : memory(folder.path()) {}

    Result<void> read(const Folder &folder, const char *name) {
        const auto file = folder.open_file(name);
        if (!file && file.error().status == Status::not_found) return {};
        if (!file) return file.error();
        if (file->size() > kMaxConfigBytes) {
            return error(Status::bad_format, file->path(), ": has ", file->size(), " bytes, at most ", kMaxConfigBytes);
        }
        HADAL_TRY(JsonText text, JsonText::read(*file, 0, file->size(), memory));
        json.emplace(std::move(text));
        fields.emplace(*json, json->root(), file->path(), "the object");
        return {};
    }
};

/// A token's text: a string, or an object that has it as content.
Result<std::string> token_text(const JsonFields &config, const char *key) {
    const auto element = config.find(key);
    if (!element) return std::string();
    std::string_view found;
    if (JsonObject described; element->get(described) == simdjson::SUCCESS) {
        HADAL_TRY(const JsonFields fields, config.object(key));
        HADAL_TRY(found, fields.string_or("content", ""));
    } else {
        HADAL_TRY(found, config.string(key));
    }
    return std::string(found);
}

Result<ChatSource> of_folder(const std::string &path) {
    HADAL_TRY(const Folder folder, Folder::open(path));
    ChatSource source;
    HADAL_TRY(source.templates, read_chat_templates(folder));
    JsonFile tokenizer_config(folder);
    HADAL_CHECK(tokenizer_config.read(folder, "tokenizer_config.json"));
    if (tokenizer_config.fields) {
        for (const char *key : kTokenKeys) {
            HADAL_TRY(std::string token, token_text(*tokenizer_config.fields, key));
            if (!token.empty()) source.tokens.emplace_back(key, std::move(token));
        }
    }
    JsonFile config(folder);
    HADAL_CHECK(config.read(folder, "config.json"));
    if (config.fields) {
        HADAL_TRY(const std::string_view family, config.fields->string_or("model_type", ""));
        source.family = family;
    }
    return source;
}

Result<ChatSource> of_gguf(const Metadata &metadata) {
    ChatSource source;
    HADAL_TRY(source.templates, read_chat_templates(metadata));
    HADAL_TRY(source.family, metadata.string_or("general.architecture", ""));
    constexpr const char *kTokens = "tokenizer.ggml.tokens";
    if (!metadata.has(kTokens)) return source;
    HADAL_TRY(const std::vector<std::string> *texts, metadata.strings(kTokens));
    for (const GgufRole &role : kGgufRoles) {
        if (texts->empty() || !metadata.has(role.key)) continue;
        HADAL_TRY(const uint64_t id, metadata.uint(role.key, 0, texts->size() - 1));
        source.tokens.emplace_back(role.variable, (*texts)[id]);
    }
    return source;
}

}  // namespace

Result<ChatSource> ChatSource::of(const Checkpoint &checkpoint) {
    if (checkpoint.format() == CheckpointFormat::gguf) return of_gguf(checkpoint.metadata());
    return of_folder(checkpoint.path());
}

Result<ChatSource> ChatSource::open(const std::string &path) {
    if (is_folder(path)) return of_folder(path);
    if (path.ends_with(".jinja")) {
        HADAL_TRY(const File file, File::open(path));
        ChatSource source;
        source.templates.file = path;
        HADAL_TRY(source.templates.standard, read_template_file(file));
        return source;
    }
    HADAL_TRY(const Checkpoint checkpoint, Checkpoint::open(path));
    return of(checkpoint);
}

}  // namespace hadal::core
