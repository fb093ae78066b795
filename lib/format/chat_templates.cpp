// Facts: transformers' chat_template is a string, or a list of {name, template} of which "default" and "tool_use" have
// a meaning; GGUF writes the second kind as keys of their own.
#include "format/chat_templates.h"

#include <span>

#include "base/utf8.h"
#include "format/json.h"
#include "format/limits.h"

namespace hadal::core {
namespace {

constexpr const char *kTemplateFile = "chat_template.jinja";
constexpr const char *kConfigFile = "tokenizer_config.json";

/// "": the folder has no such file.
Result<std::string> read_optional(const Folder &folder, const char *name) {
    const auto file = folder.open_file(name);
    if (!file && file.error().status == Status::not_found) return std::string();
    if (!file) return file.error();
    return read_template_file(*file);
}

Result<void> read_named(const JsonText &json, JsonElement element, ChatTemplates &templates) {
    JsonArray several;
    if (element.get(several) != simdjson::SUCCESS) {
        HADAL_TRY(const std::string_view only, json.string(element, "chat_template"));
        templates.standard = only;
        return {};
    }
    for (const JsonElement each : several) {
        HADAL_TRY(const JsonObject entry, json.object(each, "chat_template: an entry"));
        JsonElement name_element, source_element;
        if (entry.at_key("name").get(name_element) != simdjson::SUCCESS ||
            entry.at_key("template").get(source_element) != simdjson::SUCCESS) {
            return error(Status::bad_format, templates.file, ": chat_template: an entry without name and template");
        }
        HADAL_TRY(const std::string_view name, json.string(name_element, "chat_template: name"));
        HADAL_TRY(const std::string_view source, json.string(source_element, "chat_template: template"));
        if (name == "default") templates.standard = source;
        if (name == "tool_use") templates.with_tools = source;
    }
    return {};
}

}  // namespace

Result<std::string> read_template_file(const File &file) {
    if (file.size() > kMaxStringBytes) {
        return error(Status::bad_format, file.path(), ": has ", file.size(), " bytes, at most ", kMaxStringBytes);
    }
    std::string bytes(file.size(), '\0');
    HADAL_CHECK(file.read_at(0, std::as_writable_bytes(std::span(bytes))));
    if (const auto offset = utf8_error_offset(bytes)) {
        return error(Status::bad_format, file.path(), ": is not UTF-8 at byte ", *offset);
    }
    return bytes;
}

Result<ChatTemplates> read_chat_templates(const Folder &folder) {
    ChatTemplates templates;
    templates.file = folder.path() + "/" + kTemplateFile;
    HADAL_TRY(templates.standard, read_optional(folder, kTemplateFile));
    if (!templates.standard.empty()) return templates;  // newer than tokenizer_config.json, where both have one

    templates.file = folder.path() + "/" + kConfigFile;
    const auto file = folder.open_file(kConfigFile);
    if (!file && file.error().status == Status::not_found) return templates;
    if (!file) return file.error();
    if (file->size() > kMaxConfigBytes) {
        return error(Status::bad_format, file->path(), ": has ", file->size(), " bytes, at most ", kMaxConfigBytes);
    }
    HeaderMemory memory(templates.file);
    HADAL_TRY(const JsonText json, JsonText::read(*file, 0, file->size(), memory));
    JsonElement element;
    const bool is_there = json.root().at_key("chat_template").get(element) == simdjson::SUCCESS && !element.is_null();
    if (is_there) HADAL_CHECK(read_named(json, element, templates));
    return templates;
}

Result<ChatTemplates> read_chat_templates(const Metadata &metadata) {
    ChatTemplates templates;
    templates.file = metadata.file();
    HADAL_TRY(templates.standard, metadata.string_or("tokenizer.chat_template", ""));
    HADAL_TRY(templates.with_tools, metadata.string_or("tokenizer.chat_template.tool_use", ""));
    return templates;
}

}  // namespace hadal::core
