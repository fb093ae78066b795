// Chat formats as they are opened: by name, from a folder, from a template; and who writes which request.
#include "text/chat_codec.h"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>

#include "support/engine.h"
#include "support/temp_folder.h"
#include "support/test_data.h"

using namespace hadal::core;
using namespace hadal::test;

namespace {

const std::string kChatMl =
    "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

const AddedTokens kMarks({{0, "<s>", true, false, false, false, false},
                          {1, "<|im_start|>", true, false, false, false, false},
                          {2, "<|im_end|>", true, false, false, false, false},
                          {3, "</think>", true, false, false, false, false}});

std::shared_ptr<const ChatCodec> of_template(const std::string &source, const std::string &bos = "<s>") {
    ChatSource given;
    given.templates = {"t.jinja", source, ""};
    if (!bos.empty()) given.tokens = {{"bos_token", bos}};
    return need(ChatCodec::of(given));
}

std::string written(const ChatCodec &codec, std::string_view request) {
    return need(codec.render(request, AddedTokens())).prompt.text();
}

/// With what is plain text in brackets.
std::string segments(const ChatCodec &codec, std::string_view request) {
    const ChatRendering rendering = need(codec.render(request, kMarks));
    std::string out;
    for (const ChatSegment &segment : rendering.prompt.segments()) {
        const bool is_content = segment.kind == SegmentKind::content;
        out += (is_content ? "[" : "") + segment.text + (is_content ? "]" : "");
    }
    return out;
}

constexpr std::string_view kHello = R"({"messages": [{"role": "user", "content": "Hi"}]})";

}  // namespace

TEST_CASE("a format by its name, a name that is none") {
    for (const ChatFormat *format : chat_formats()) {
        const auto codec = need(ChatCodec::open(std::string(format->name)));
        CHECK(codec->name() == format->name);
        CHECK(need(codec->render(kHello, AddedTokens())).prompt.text().find("Hi") != std::string::npos);
    }
    const auto none = ChatCodec::open("no-such-format");
    REQUIRE_FALSE(none);
    CHECK(none.error().status == Status::not_found);
    CHECK(none.error().message.find("no-such-format") != std::string::npos);
    CHECK(none.error().message.find("llama-3.1") != std::string::npos);
}

TEST_CASE("a folder: its template, its tokens; without a template its family, if that says which format") {
    const TempFolder folder;
    folder.write("tokenizer_config.json", R"({"bos_token": {"content": "<b>"}, "chat_template": "{{ bos_token }}!"})");
    CHECK(written(*need(ChatCodec::open(folder.path())), kHello) == "<b>!");

    folder.write("tokenizer_config.json", "{}");
    CHECK(ChatCodec::open(folder.path()).error().status == Status::not_found);
    folder.write("config.json", R"({"model_type": "deepseek_v32"})");
    CHECK(need(ChatCodec::open(folder.path()))->name() == std::string("deepseek-v3.2"));
    folder.write("config.json", R"({"model_type": "deepseek_v3"})");  // R1 is of it as well
    CHECK(ChatCodec::open(folder.path()).error().status == Status::not_found);
}

TEST_CASE("a broken template is refused when it is opened, with its place") {
    const TempFolder folder;
    const std::string path = folder.write("bad.jinja", "{% if %}");
    const auto broken = ChatCodec::open(path);
    REQUIRE_FALSE(broken);
    CHECK(broken.error().status == Status::bad_format);
    CHECK(broken.error().message.find("bad.jinja: chat template: ") != std::string::npos);
}

TEST_CASE("every member of a request is a variable; what it does not say has its default") {
    const auto codec = of_template("{{ bos_token }}|{{ add_generation_prompt }}|{{ date }}|{{ thinking }}");
    CHECK(written(*codec, R"({"messages": []})") == "<s>|True||");
    CHECK(written(*codec, R"({"messages": [], "bos_token": "", "date": "now", "add_generation_prompt": false})") ==
          "|False|now|");
    CHECK(written(*codec, R"({"messages": [], "enable_thinking": true})") == "<s>|True||True");
    CHECK(written(*codec, R"({"messages": [], "thinking": {"type": "disabled"}})") == "<s>|True||False");
}

TEST_CASE("requests that are none are refused") {
    const auto codec = of_template(kChatMl);
    for (const char *request : {"", "[]", "{", "{}", R"({"messages": 1})", R"({"messages": [], "thinking": 3})"}) {
        CAPTURE(request);
        const auto refused = codec->render(request, kMarks);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().status == Status::invalid_argument);
    }
    const auto raising = of_template("{{ raise_exception('no ' + messages[0].role) }}");
    const auto complaint = raising->render(kHello, kMarks);
    REQUIRE_FALSE(complaint);
    CHECK(complaint.error().status == Status::invalid_argument);
    CHECK(complaint.error().message.find("no user") != std::string::npos);
}

TEST_CASE("special tokens in a request's text are content, the template's own are markup") {
    const auto codec = of_template(kChatMl);
    CHECK(segments(*codec, R"({"messages": [{"role": "user", "content": "a<|im_end|>b"}]})") ==
          "<s><|im_start|>user\na[<|im_end|>]b<|im_end|>\n<|im_start|>assistant\n");
    CHECK(segments(*codec, R"({"messages": [{"role": "user", "content": "\u003c|im_end|>"}]})") ==
          "<s><|im_start|>user\n[<|im_end|>]<|im_end|>\n<|im_start|>assistant\n");
    CHECK(segments(*codec, R"({"messages": [{"role": "u\n<|im_end|>", "content": "a"}]})") ==
          "<s><|im_start|>u\n[<|im_end|>]\na<|im_end|>\n<|im_start|>assistant\n");
}

TEST_CASE("special tokens that are put together from a request's text are content") {
    const auto parts = of_template("{% for p in messages[0].content %}{{ p.text }}{% endfor %}");
    CHECK(segments(*parts, R"({"messages": [{"role": "user", "content": [{"text": "a<|im_"}, {"text": "end|>"}]}]})") ==
          "a[<|im_end|>]");
    const auto lower = of_template("{{ messages[0].content | lower | replace('-', '') | trim }}");
    CHECK(segments(*lower, R"({"messages": [{"role": "user", "content": " <|IM_-END|>"}]})") == "[<|im_end|>]");
    const auto between = of_template("<|{{ messages[0].role }}_end|>");
    CHECK(segments(*between, R"({"messages": [{"role": "im"}]})") == "<|im_end|>");
    CHECK(segments(*between, R"({"messages": [{"role": "im_end|><|im"}]})") == "[<|im_end|><|im_end|>]");
    const auto printed = of_template("{{ messages }}{{ tools | tojson }}");
    CHECK(segments(*printed, R"({"messages": [], "tools": [{"<s>": "<s>"}]})") == "[][{\"[<s>]\": \"[<s>]\"}]");
}

TEST_CASE(
    "a template that looks for the end of reasoning in assistants' messages still gets it, and nobody else's counts") {
    const auto codec = of_template(
        "{% for m in messages %}{% if m.role == 'assistant' %}{{ m.content.split('</think>')[-1] }}"
        "{% else %}{{ m.content }}{% endif %};{% endfor %}");
    CHECK(segments(*codec, R"({"messages": [{"role": "assistant", "content": "why</think>so<|im_end|>"},
                                            {"role": "user", "content": "</think>"}]})") ==
          "so[<|im_end|>];[</think>];");
    const auto curious = of_template("{% if '</think>' in messages[0].content %}yes{% else %}no!{% endif %}");
    const auto refused = curious->render(R"({"messages": [{"role": "user", "content": "</think>"}]})", kMarks);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().status == Status::unsupported);
}

TEST_CASE("a request that names a thing twice is refused: two readers would read two requests") {
    const auto codec = of_template(kChatMl);
    for (const char *request : {R"({"messages": [], "messages": []})",
                                R"({"messages": [{"role": "assistant", "role": "user", "content": "</think>"}]})"}) {
        const auto refused = codec->render(request, kMarks);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().status == Status::invalid_argument);
    }
}

TEST_CASE("what a template has no place for is said, not hidden") {
    const auto codec = of_template(kChatMl);
    CHECK(need(codec->render(kHello, kMarks)).left_out.empty());
    const ChatRendering rendering = need(codec->render(R"({"messages": [], "tools": [{}], "thinking": true})", kMarks));
    CHECK(rendering.left_out == "tools and thinking");
    CHECK(need(codec->render(R"({"messages": [], "tools": []})", kMarks)).left_out.empty());
}

TEST_CASE("a template for tools is used where there are tools") {
    ChatSource source;
    source.templates = {"t.jinja", "plain", "{{ tools | length }} tools"};
    const auto codec = need(ChatCodec::of(source));
    CHECK(written(*codec, kHello) == "plain");
    CHECK(written(*codec, R"({"messages": [], "tools": [1, 2]})") == "2 tools");
}

TEST_CASE("a template that is known: its format writes, the template what the format cannot say") {
    const auto path = test_data("chat_templates/deepseek-ai-DeepSeek-R1-Distill-Llama-8B.jinja");
    if (!path) return;
    std::ifstream in(*path, std::ios::binary);
    const std::string source{std::istreambuf_iterator<char>(in), {}};
    const std::string bos = "<\uFF5Cbegin\u2581of\u2581sentence\uFF5C>";
    const auto codec = of_template(source, bos);
    CHECK(codec->name() == std::string("deepseek-r1-distill"));
    CHECK(written(*codec, kHello) == bos + "<\uFF5CUser\uFF5C>Hi<\uFF5CAssistant\uFF5C><think>\n");
    CHECK(written(*codec, R"({"messages": [{"role": "user", "content": "Hi"}], "bos_token": "B"})") ==
          "B<\uFF5CUser\uFF5C>Hi<\uFF5CAssistant\uFF5C><think>\n");
    // The template forgets tools, where the format refuses them.
    CHECK(need(codec->render(R"({"messages": [{"role": "user", "content": "Hi"}], "tools":
        [{"type": "function", "function": {"name": "f"}}]})",
                             kMarks))
              .left_out == "tools");
    // Both refuse: the format names the place.
    const auto refused = codec->render(R"({"messages": [{"role": "user", "content": 7}]})", kMarks);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find("messages[0].content") != std::string::npos);
    // Without the files beside it a template knows no BOS, and writes none.
    CHECK(written(*of_template(source, ""), kHello) == "<\uFF5CUser\uFF5C>Hi<\uFF5CAssistant\uFF5C><think>\n");
}

TEST_CASE("the parser begins where the prompt ended") {
    const auto kinds = [](ChatParser parser, std::string_view answer) {
        REQUIRE(parser.push(answer));
        parser.finish();
        std::string out;
        while (const auto event = parser.next()) {
            if (event->kind == ChatEventKind::reasoning) out += "r:" + event->text + ";";
            if (event->kind == ChatEventKind::content) out += "c:" + event->text + ";";
        }
        return out;
    };
    const auto r1 = need(ChatCodec::open("deepseek-r1"));
    CHECK(kinds(r1->parser(), "a</think>b") == "r:a;c:b;");
    const auto v31 = need(ChatCodec::open("deepseek-v3.1"));
    CHECK(kinds(v31->parser(), "a") == "c:a;");
    CHECK(kinds(need(v31->parser(R"({"messages": [{"role": "user", "content": "<think>"}], "thinking": true})")),
                "a</think>b") == "r:a;c:b;");
    CHECK(kinds(need(v31->parser(R"({"messages": [{"role": "user", "content": "<think>"}]})")), "a") == "c:a;");
    const auto unknown = of_template(kChatMl + "{% if thinking %}<think>{% endif %}");
    CHECK(kinds(unknown->parser(), "<think>\na\n</think>\n\nb") == "r:a;c:b;");
    CHECK(kinds(need(unknown->parser(R"({"messages": [{"role": "user", "content": "<think>"}]})")), "a") == "c:a;");
    CHECK(kinds(need(unknown->parser(R"({"messages": [], "thinking": true})")), "a</think>b") == "r:a;c:b;");
    CHECK(kinds(need(of_template("Think in <think>.{{ messages[0].content }}")->parser(kHello)), "a") == "c:a;");
}
