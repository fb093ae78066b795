// Standard output as a place that may be full or gone.
#pragma once

#include <exception>
#include <string_view>

namespace command {

/// The reader of standard output went away: nothing is wrong, and nothing is left to do.
struct OutputClosed : std::exception {};

class Output {
public:
    /// Writes and flushes. Throws OutputClosed, or std::system_error.
    void write(std::string_view text);
    /// What the system still holds back. Throws as write.
    void close();
};

Output &output();

}  // namespace command
