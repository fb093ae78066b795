// A chat request out of files: what the library's chat functions take.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace command {

struct ChatRequestArguments {
    std::string messages_file, tools_file;
    std::string thinking;  ///< "", "on" or "off"

    void add_to(CLI::App &app);

    /// The JSON of a request. A file that is a list holds messages, and the prompt then ends where an answer begins;
    /// one that is an object is the request, or what a template sees, as it is. Without a file: one user's message.
    /// Throws std::runtime_error naming the file and what is wrong in it.
    std::string json() const;
};

}  // namespace command
