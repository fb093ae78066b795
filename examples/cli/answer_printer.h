// An answer as a person or a program reads it, while it comes.
#pragma once

#include <hadal/hadal.hpp>
#include <string>

namespace command {

/// On a terminal: reasoning dimmed, then the answer. Elsewhere the answer alone goes to standard output, and reasoning
/// to standard error. White space around either is left out.
class AnswerPrinter {
public:
    AnswerPrinter();
    void print(const hadal::Event &event);
    /// The end of the answer's last line.
    void end();

    const std::string &reasoning() const { return reasoning_; }
    const std::string &content() const { return content_; }

private:
    /// What of text is not white space that may turn out to be the last.
    static std::string without_edges(std::string &held, bool &has_begun, std::string_view text);
    void print_reasoning(std::string_view text);
    void print_content(std::string_view text);

    const bool on_terminal_;
    std::string reasoning_, content_;  ///< all of them, as they came
    std::string held_;                 ///< white space of the part that is printed
    enum class Part { none, reasoning, content } part_ = Part::none;
    bool has_begun_ = false;
};

}  // namespace command
