#include "text/chat_codec.h"

#include <algorithm>
#include <array>
#include <utility>

#include "text/chat_families.h"
#include "text/chat_json.h"

namespace hadal::core {
namespace {

/// Answers to a template that is not known: reasoning as every model that has it marks it, with the newlines that are
/// usual there, and no calls, whose form nobody told.
const ChatGrammar &grammar_of_templates() {
    static const ChatGrammar grammar = {{true, 1, 1, 2}, CallSyntax::none, {}, {}, {}};
    return grammar;
}

/// Models whose authors publish an encoder and no template.
struct FamilyFormat {
    std::string_view family;
    std::string_view format;
};
constexpr std::array kFormatOfFamily = {
    FamilyFormat{"deepseek_v32", "deepseek-v3.2"}, FamilyFormat{"deepseek32", "deepseek-v3.2"},
    FamilyFormat{"deepseek_v4", "deepseek-v4"}, FamilyFormat{"deepseek4", "deepseek-v4"}};

std::string names_of_formats() {
    std::string names;
    for (const ChatFormat *format : chat_formats()) {
        names += (names.empty() ? "" : ", ");
        names += format->name;
    }
    return names;
}

/// Members of a request that parse_chat_request reads.
bool is_read_by_formats(std::string_view key) {
    constexpr std::array kKeys = {
        "messages", "tools", "thinking", "enable_thinking", "reasoning_effort", "add_generation_prompt"};
    return std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end();
}

/// The members of a request, for choosing how to render it.
class Members {
public:
    static Result<Members> of(std::string_view request) {
        Members members;
        HeaderMemory memory("chat request");
        auto json = JsonText::parse("chat request", request, memory);
        if (!json && json.error().status == Status::bad_format) json.error().status = Status::invalid_argument;
        if (!json) return std::move(json.error());
        bool has_messages = false;
        for (const auto [key, value] : json->root()) {
            if (key == "messages") has_messages = value.is_array();
            if (value.is_null()) continue;
            JsonArray items;
            const bool is_empty = value.get(items) == simdjson::SUCCESS && items.size() == 0;
            if (key == "tools" && !is_empty) members.has_tools = true;
            if (key == "thinking" || key == "enable_thinking") members.has_thinking = true;
            if (!is_read_by_formats(key)) members.others.emplace_back(key);
        }
        if (!has_messages) return error(Status::invalid_argument, "messages is not there, or is not an array");
        return members;
    }

    bool has_tools = false;
    bool has_thinking = false;
    std::vector<std::string> others;
};

const AddedTokens &think_marks() {
    static const AddedTokens marks({{0, std::string(kThinkOpen), true, false, false, false, false},
                                    {1, std::string(kThinkClose), true, false, false, false, false}});
    return marks;
}

/// Whether the two agree about the special tokens here: a template gets them from the files beside it.
bool write_alike(const ChatFormat &format, const ChatTemplate &chat_template) {
    constexpr std::string_view kRequest = R"({"messages": [{"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]})";
    const auto request = parse_chat_request(kRequest);
    if (!request) return false;
    const auto by_format = render_chat(format, *request);
    const auto by_template = chat_template.render(kRequest, AddedTokens());
    return by_format && by_template && by_format->text() == by_template->text();
}

}  // namespace

Result<std::shared_ptr<const ChatCodec>> ChatCodec::open(const std::string &path_or_name) {
    if (const ChatFormat *format = find_chat_format(path_or_name)) {
        std::shared_ptr<ChatCodec> codec(new ChatCodec);
        codec->format_ = format;
        codec->format_writes_ = true;
        return std::shared_ptr<const ChatCodec>(std::move(codec));
    }
    auto source = ChatSource::open(path_or_name);
    if (source) return of(*std::move(source));
    if (source.error().status != Status::not_found) return std::move(source.error());
    return error(Status::not_found, source.error().message,
                 "; nor is it one of the formats built in: ", names_of_formats());
}

Result<std::shared_ptr<const ChatCodec>> ChatCodec::of(ChatSource source) {
    std::shared_ptr<ChatCodec> codec(new ChatCodec);
    const ChatTemplates &templates = source.templates;
    if (!templates.with_tools.empty()) {
        HADAL_TRY(codec->tools_template_, ChatTemplate::parse(templates.file, templates.with_tools, source.tokens));
    }
    if (!templates.standard.empty()) {
        codec->format_ = find_chat_format_of_template(templates.standard);
        HADAL_TRY(codec->template_, ChatTemplate::parse(templates.file, templates.standard, std::move(source.tokens)));
        codec->format_writes_ = codec->format_ != nullptr && write_alike(*codec->format_, *codec->template_);
        return std::shared_ptr<const ChatCodec>(std::move(codec));
    }
    for (const FamilyFormat &known : kFormatOfFamily) {
        if (known.family == source.family) codec->format_ = find_chat_format(known.format);
    }
    codec->format_writes_ = codec->format_ != nullptr;
    if (codec->format_writes_) return std::shared_ptr<const ChatCodec>(std::move(codec));
    return error(Status::not_found, templates.file, ": no chat template; the formats built in are ",
                 names_of_formats());
}

const ChatGrammar &ChatCodec::grammar() const {
    return format_ == nullptr ? grammar_of_templates() : format_->grammar;
}

Result<ChatPrompt> ChatCodec::by_format(std::string_view request) const {
    HADAL_TRY(const ChatRequest parsed, parse_chat_request(request));
    return render_chat(*format_, parsed);
}

Result<ChatRendering> ChatCodec::render(std::string_view request, const AddedTokens &marks) const {
    HADAL_TRY(const Members members, Members::of(request));
    const bool by_tools = members.has_tools && tools_template_;
    const ChatTemplate *chosen = by_tools ? &*tools_template_ : template_ ? &*template_ : nullptr;
    const auto is_variable = [&](const std::string &member) { return chosen->names(member); };
    const bool says_more = chosen != nullptr && std::ranges::any_of(members.others, is_variable);
    ChatRendering rendering;
    std::optional<Error> refusal;
    if (format_writes_ && !by_tools && !says_more) {
        auto prompt = by_format(request);
        if (prompt) {
            rendering.prompt = *std::move(prompt);
            return rendering;
        }
        refusal = std::move(prompt.error());  // says more of what is wrong than a template that fails, too
    }
    auto prompt = chosen != nullptr ? chosen->render(request, marks) : Result<ChatPrompt>(*refusal);
    if (!prompt) return refusal ? *std::move(refusal) : std::move(prompt.error());
    rendering.prompt = *std::move(prompt);
    if (members.has_tools && !chosen->names("tools")) rendering.left_out = "tools";
    if (members.has_thinking && !chosen->names("thinking") && !chosen->names("enable_thinking")) {
        rendering.left_out += rendering.left_out.empty() ? "thinking" : " and thinking";
    }
    return rendering;
}

Result<ChatParser> ChatCodec::parser(std::string_view request) const {
    HADAL_TRY(const Members members, Members::of(request));
    HADAL_TRY(const ChatRendering rendering, render(request, think_marks()));
    AnswerStart start;
    if (rendering.prompt.ends_in_reasoning()) start.block = AnswerStart::Block::reasoning;
    if (members.has_tools) start.tools = AnswerStart::Tools::given;
    return ChatParser(grammar(), start);
}

ChatParser ChatCodec::parser() const {
    AnswerStart start{AnswerStart::Block::none, AnswerStart::Tools::given};
    const auto rendering = render(R"({"messages": [{"role": "user", "content": ""}]})", think_marks());
    if (rendering && rendering->prompt.ends_in_reasoning()) start.block = AnswerStart::Block::reasoning;
    return ChatParser(grammar(), start);
}

}  // namespace hadal::core
