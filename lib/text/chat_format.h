// Chat formats built in: how a request becomes the text a model was trained on, and how its answer is to be read.
//
// A format is chosen by its name, or by the hash of the chat template that a model carries; what is in a template is
// never guessed at. One file per family of formats; each is exact against the template or encoder its file names.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/chat_request.h"

namespace hadal::core {

// ---- Prompts --------------------------------------------------------------------------------------------------------

enum class SegmentKind {
    markup,  ///< the format's own text, special tokens and all
    content  ///< text from the request: whatever it looks like, no special token is in it
};

struct ChatSegment {
    SegmentKind kind = SegmentKind::markup;
    std::string text;
};

/// A rendered request. A tokenizer splits it at the special tokens that lie in markup, and encodes what is between two
/// of them as one text: where markup and content meet without a special token, their characters may share a token.
class ChatPrompt {
public:
    void markup(std::string_view text) { append(SegmentKind::markup, text); }
    void content(std::string_view text) { append(SegmentKind::content, text); }

    /// None empty, neighbours of different kinds.
    const std::vector<ChatSegment> &segments() const { return segments_; }
    std::string text() const;

    /// Whether the answer begins inside of reasoning: <think> is the last that the format wrote, but for white space.
    bool ends_in_reasoning() const;

private:
    void append(SegmentKind kind, std::string_view text);

    std::vector<ChatSegment> segments_;
};

// ---- Answers --------------------------------------------------------------------------------------------------------

enum class CallSyntax {
    none,
    deepseek_fenced,  ///< <|tool calls begin|><|tool call begin|>function<|tool sep|>NAME\n```json\nJSON\n```<|...end|>
    deepseek_plain,   ///< <|tool calls begin|><|tool call begin|>NAME<|tool sep|>JSON<|tool call end|>...<|...end|>
    dsml,    ///< <|DSML|invoke name="NAME"><|DSML|parameter name="KEY" string="true">VALUE</|DSML|parameter>...
    hermes,  ///< <tool_call>\n{"name": "NAME", "arguments": JSON}\n</tool_call>
    llama    ///< {"name": "NAME", "parameters": JSON}, alone or after <|python_tag|>; code after <|python_tag|>
};

/// <think>...</think>, and how many newlines the format itself puts next to the two marks. An answer may have them or
/// not; what it has of them is no text.
struct ReasoningSyntax {
    bool is_used = false;
    size_t after_open = 0;
    size_t before_close = 0;  ///< 0 or 1
    size_t after_close = 0;
};

/// What a model writes after the prompt.
struct ChatGrammar {
    ReasoningSyntax reasoning;
    CallSyntax calls = CallSyntax::none;
    std::string_view block_open, block_close;  ///< the outer element of dsml calls
    std::vector<std::string_view> stops;
};

// ---- Formats --------------------------------------------------------------------------------------------------------

enum class ThinkingChoice { never, always, off_unless_asked, on_unless_refused };
enum class ToolTexts { none, written };
enum class Efforts { none, high_and_max };

struct ChatFormat {
    std::string_view name;
    ThinkingChoice thinking = ThinkingChoice::never;
    ToolTexts tools = ToolTexts::none;  ///< whether the format says how a prompt describes tools
    Efforts efforts = Efforts::none;    ///< what reasoning_effort may be
    ChatGrammar grammar;
    Result<void> (*write)(const ChatRequest &request, ChatPrompt &prompt) = nullptr;
};

/// Every format, in no order that means anything.
const std::vector<const ChatFormat *> &chat_formats();

/// nullptr: no format has this name.
const ChatFormat *find_chat_format(std::string_view name);

/// The format that renders what this template renders, byte for byte; nullptr: no template that is known. Templates are
/// told apart by length and 64-bit FNV-1a hash of what Jinja reads of them: however lines end, and whether the last
/// one does, is the same to it. We hold no copy to compare with, and need none: two templates
/// meet by chance once in 2^64, and who makes a template that meets one of ours on purpose gets the format of a model
/// he could have named outright.
const ChatFormat *find_chat_format_of_template(std::string_view chat_template);

/// Fails: invalid_argument (a message that the format has no place for, by its path), unsupported (thinking, tools or
/// reasoning_effort that the format does not know). Nothing of a request is left out in silence, but for reasoning
/// where the format's own rule is to forget it.
Result<ChatPrompt> render_chat(const ChatFormat &format, const ChatRequest &request);

}  // namespace hadal::core
