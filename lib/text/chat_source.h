// What a model's files say about chats with it: its templates, the special tokens these write, the family it is of.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "format/chat_templates.h"
#include "format/checkpoint.h"

namespace hadal::core {

struct ChatSource {
    ChatTemplates templates;
    std::string family;  ///< model_type of config.json or GGUF's general.architecture; "": not said
    std::vector<std::pair<std::string, std::string>> tokens;  ///< {"bos_token", "<s>"}: variables of a template

    /// path: a .gguf file, a folder in Hugging Face form (which needs neither weights nor config.json), or a file of
    /// one template, .jinja. Fails: not_found, io, bad_format, unsupported.
    static Result<ChatSource> open(const std::string &path);
    /// Of a checkpoint that is open. Fails: io, bad_format.
    static Result<ChatSource> of(const Checkpoint &checkpoint);
};

}  // namespace hadal::core
