// A chat request out of files: what the library's chat functions take.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace command {

/// What a file that holds an object says by leaving add_generation_prompt out: that it is true, as in a request; or
/// nothing, as in all that a template sees.
enum class ObjectIs { request, context };

struct ChatRequestArguments {
    std::string messages_file, tools_file;
    std::string thinking;  ///< "", "on" or "off"

    void add_to(CLI::App &app);

    /// The JSON of a request. A file that is a list holds messages, and the prompt ends where an answer begins. Without
    /// a file: one user's message.
    /// Throws std::runtime_error naming the file and what is wrong in it.
    std::string json(ObjectIs object) const;
};

}  // namespace command
