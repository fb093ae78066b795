#include "text/chat_format.h"

#include <array>
#include <cstdint>

#include "base/utf8.h"
#include "text/chat_families.h"

namespace hadal::core {
namespace {

struct KnownTemplate {
    size_t n_bytes;
    uint64_t hash;
    std::string_view format;
};

// The templates the formats were compared with (tests/unit/text/chat_goldens/README.md says where each is from).
constexpr std::array kKnownTemplates = {
    KnownTemplate{459, 0x5111253f4aa4a502, "deepseek-v2"},
    KnownTemplate{3052, 0xb1bd18814dfb1d58, "deepseek-v3"},
    KnownTemplate{2765, 0x4526f885d718fa95, "deepseek-r1"},
    KnownTemplate{2246, 0x845fdf813c637ee2, "deepseek-r1-distill"},
    KnownTemplate{2478, 0x731e2d647d2bf911, "deepseek-r1-distill"},  // over several lines
    KnownTemplate{3127, 0xba6def945855a96a, "deepseek-r1-0528"},
    KnownTemplate{2925, 0x92ab976ef7444fb6, "deepseek-v3.1"},
    KnownTemplate{2506, 0xe642ce246d7f2e3d, "qwen2.5"},
    KnownTemplate{4116, 0x2bfdb7aa9754484e, "qwen3"},
    KnownTemplate{4613, 0xcc0368e1ffb6b958, "llama-3.1"},
};

/// What Jinja makes of a template before it reads it: lines end in \n, and the last one's end is dropped. Copies that
/// differ in this alone, as a template of its own file and one in JSON do, render the same.
std::string normalized(std::string_view chat_template) {
    std::string out;
    for (size_t i = 0; i < chat_template.size(); ++i) {
        const bool is_return = chat_template[i] == '\r';
        if (is_return && chat_template.substr(i + 1).starts_with('\n')) continue;
        out += is_return ? '\n' : chat_template[i];
    }
    if (out.ends_with('\n')) out.pop_back();
    return out;
}

uint64_t fnv1a(std::string_view bytes) {
    uint64_t hash = 0xcbf29ce484222325;
    for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
    return hash;
}

Result<void> check_choices(const ChatFormat &format, const ChatRequest &request) {
    if (request.thinking == Thinking::on && format.thinking == ThinkingChoice::never) {
        return error(Status::unsupported, "thinking is on, and ", format.name, " has no thinking");
    }
    if (request.thinking == Thinking::off && format.thinking == ThinkingChoice::always) {
        return error(Status::unsupported, "thinking is off, and ", format.name, " always thinks");
    }
    if (!request.tools.empty() && format.tools == ToolTexts::none) {
        return error(Status::unsupported, "tools has ", request.tools.size(), " entries, and ", format.name,
                     " has no form for them: describe them in a system message");
    }
    const std::string &effort = request.reasoning_effort;
    if (effort.empty()) return {};
    if (format.efforts == Efforts::none) {
        return error(Status::unsupported, "reasoning_effort is ", quoted(effort), ", and ", format.name, " has none");
    }
    if (effort == "high" || effort == "max") return {};
    return error(Status::unsupported, "reasoning_effort is ", quoted(effort), ", ", format.name,
                 " knows 'high' and 'max'");
}

}  // namespace

void ChatPrompt::append(SegmentKind kind, std::string_view text) {
    if (text.empty()) return;
    if (segments_.empty() || segments_.back().kind != kind) segments_.push_back({kind, {}});
    segments_.back().text += text;
}

std::string ChatPrompt::text() const {
    std::string joined;
    for (const ChatSegment &segment : segments_) joined += segment.text;
    return joined;
}

bool ChatPrompt::ends_in_reasoning() const {
    if (segments_.empty() || segments_.back().kind == SegmentKind::content) return false;
    std::string_view end = segments_.back().text;
    end = end.substr(0, end.find_last_not_of(" \t\r\n") + 1);
    return end.ends_with(kThinkOpen);
}

std::string joined_system_text(const ChatRequest &request) {
    std::string joined;
    bool is_first = true;
    for (const ChatMessage &message : request.messages) {
        if (message.role != ChatRole::system) continue;
        if (!is_first) joined += "\n\n";
        is_first = false;
        joined += message.content;
    }
    return joined;
}

const std::vector<const ChatFormat *> &chat_formats() {
    static const std::vector<const ChatFormat *> formats = [] {
        std::vector<const ChatFormat *> all;
        for (const auto family : {deepseek_chat_formats, dsml_chat_formats, qwen_chat_formats, llama_chat_formats}) {
            for (const ChatFormat *format : family()) all.push_back(format);
        }
        return all;
    }();
    return formats;
}

const ChatFormat *find_chat_format(std::string_view name) {
    for (const ChatFormat *format : chat_formats()) {
        if (format->name == name) return format;
    }
    return nullptr;
}

const ChatFormat *find_chat_format_of_template(std::string_view chat_template) {
    constexpr size_t kMaxBytes = 65536;  // with all line ends doubled, too
    if (chat_template.size() > kMaxBytes) return nullptr;
    const std::string text = normalized(chat_template);
    for (const KnownTemplate &known : kKnownTemplates) {
        if (known.n_bytes == text.size() && known.hash == fnv1a(text)) return find_chat_format(known.format);
    }
    return nullptr;
}

Result<ChatPrompt> render_chat(const ChatFormat &format, const ChatRequest &request) {
    HADAL_CHECK(check_choices(format, request));
    ChatPrompt prompt;
    HADAL_CHECK(format.write(request, prompt));
    return prompt;
}

}  // namespace hadal::core
