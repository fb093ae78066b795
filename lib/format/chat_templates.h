// The chat templates that a checkpoint carries: Jinja source, which is not parsed here.
#pragma once

#include <string>

#include "base/file.h"
#include "base/result.h"
#include "format/metadata.h"

namespace hadal::core {

struct ChatTemplates {
    std::string file;        ///< where they were found, for messages
    std::string standard;    ///< "": none
    std::string with_tools;  ///< for requests that give tools; "": the standard one
};

/// A folder in Hugging Face form: chat_template.jinja, or else chat_template of tokenizer_config.json. No such file is
/// no template. Fails: io, bad_format.
Result<ChatTemplates> read_chat_templates(const Folder &folder);

/// A GGUF file: tokenizer.chat_template and its variant for tools. Fails: bad_format.
Result<ChatTemplates> read_chat_templates(const Metadata &metadata);

/// The text of a .jinja file. Fails: not_found, io, bad_format (too long; not UTF-8).
Result<std::string> read_template_file(const File &file);

}  // namespace hadal::core
