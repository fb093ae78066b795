// Answers of every format: what they say, however they are cut, and what becomes of broken ones.
#include "text/chat_parser.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "support/chat_answers.h"
#include "support/chat_checks.h"

using namespace hadal::core;
using namespace hadal::test;

namespace {

constexpr AnswerStart kPlain = {AnswerStart::Block::none, AnswerStart::Tools::given};
constexpr AnswerStart kThinking = {AnswerStart::Block::reasoning, AnswerStart::Tools::given};

const ChatGrammar &grammar_of(std::string_view format) {
    return find_chat_format(format)->grammar;
}

/// "r:..." reasoning, "c:..." content, "call NAME(...)" with its arguments, "." stop; "!" before what is flagged.
std::string outline(std::string_view format, AnswerStart start, std::string_view answer) {
    const Reading reading = read_answer(grammar_of(format), start, answer, {});
    REQUIRE(reading.complaint == "");
    std::string out;
    for (const Said &one : reading.said) {
        if (!out.empty() && one.kind != ChatEventKind::call_arguments && one.kind != ChatEventKind::call_end)
            out += " | ";
        if (one.is_malformed) out += "!";
        switch (one.kind) {
            case ChatEventKind::reasoning:
                out += "r:" + one.text;
                break;
            case ChatEventKind::content:
                out += "c:" + one.text;
                break;
            case ChatEventKind::call_begin:
                out += "call " + one.text + "(";
                break;
            case ChatEventKind::call_arguments:
                out += one.text;
                break;
            case ChatEventKind::call_end:
                out += ")";
                break;
            case ChatEventKind::stop:
                out += ".";
                break;
            case ChatEventKind::syntax:
                break;
        }
    }
    return out;
}

std::string read_marks(std::string_view format, AnswerStart start, const std::string &answer) {
    return outline(format, start, marks(answer));
}

}  // namespace

TEST_CASE("reasoning and content") {
    CHECK(outline("deepseek-r1", kThinking, "Hm.\n</think>\n\nYes.") == "r:Hm. | c:\n\nYes.");
    CHECK(outline("deepseek-r1", kThinking, "<think>\nHm.</think>Yes.") == "r:Hm. | c:Yes.");
    CHECK(outline("deepseek-r1-0528", kPlain, "<think>\nHm.\n</think>\n\nYes.") == "r:Hm. | c:\n\nYes.");
    CHECK(outline("deepseek-r1-0528", kPlain, "\n <think>Hm.") == "r:Hm.");
    CHECK(outline("deepseek-r1-0528", kPlain, "No <think> here") == "c:No <think> here");
    CHECK(outline("qwen3", kPlain, "<think>\nHm\n\n</think>\n\n\nYes\n") == "r:Hm\n | c:\nYes\n");
    CHECK(outline("deepseek-v3", kPlain, "<think>a</think>") == "c:<think>a</think>");
    CHECK(read_marks("deepseek-v3.1", kThinking, "Hm[eos]") == "r:Hm | .");
    CHECK(read_marks("deepseek-v3", kPlain, "Yes[eos]more") == "c:Yes | . | !c:more");
    CHECK(outline("deepseek-v2", kPlain, "a\xFF\xE2\x96") == "c:a\uFFFD\uFFFD");
}

TEST_CASE("DeepSeek's marks") {
    const std::string two =
        "[calls][call]function[sep]f\n```json\n{\"a\": 1}\n```[/call]\n[call]function[sep]g\n```json\n{}\n```"
        "[/call][/calls][eos]";
    CHECK(read_marks("deepseek-v3", kPlain, "Look: " + two) == "c:Look:  | call f({\"a\": 1}) | call g({}) | .");
    CHECK(read_marks("deepseek-r1", kThinking, "Hm\n</think>\n\n" + two) ==
          "r:Hm | c:\n\n | call f({\"a\": 1}) | call g({}) | .");
    CHECK(
        read_marks("deepseek-v3.1", kPlain, "[calls][call]f[sep]{\"a\": 1}[/call][call]g[sep]{}[/call][/calls][eos]") ==
        "call f({\"a\": 1}) | call g({}) | .");
    CHECK(read_marks("deepseek-v3.1", kPlain, "[calls][call]f[sep]{\"a\": [eos]") == "call f({\"a\": !) | .");
    CHECK(read_marks("deepseek-v3.1", kPlain, "[calls]words[eos]") == marks("!c:[calls] | c:words | ."));
    CHECK(read_marks("deepseek-v3.1", kPlain, "[calls][/calls]x") == marks("!c:[calls][/calls] | c:x"));
    CHECK(read_marks("deepseek-v3", kPlain, "[calls][call]function[sep]f {}[/call]") ==
          marks("!c:[calls][call]function[sep] | c:f {}[/call]"));
}

TEST_CASE("DSML") {
    const std::string call =
        "\n\n<{D}function_calls>\n<{D}invoke name=\"f\">\n<{D}parameter name=\"s\" string=\"true\">a "
        "\"b\"\n</{D}parameter>\n"
        "<{D}parameter name=\"n\" string=\"false\">[1, {}]</{D}parameter>\n</{D}invoke>\n<{D}invoke "
        "name=\"g\">\n</{D}invoke>\n"
        "</{D}function_calls>[eos]";
    CHECK(read_marks("deepseek-v3.2", kThinking, "Hm</think>Look." + call) ==
          "r:Hm | c:Look. | call f({\"s\": \"a \\\"b\\\"\\n\", \"n\": [1, {}]}) | call g({}) | .");
    CHECK(read_marks("deepseek-v4", kPlain, "x" + call).find("c:x\n\n<") == 0);  // another block's name
    CHECK(read_marks("deepseek-v4", kPlain,
                     "\n\n<{D}tool_calls>\n<{D}invoke name=\"f\">\n<{D}parameter name=\"k\" string=\"no") ==
          marks("call f(!) | !c:\n<{D}parameter name=\"k\" string=\" | c:no"));
}

TEST_CASE("JSON between tags") {
    CHECK(outline("qwen3", kPlain,
                  "<think>\nHm\n</think>\n\nLook.\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": "
                  "\"}\\\"\"}}\n</tool_call>\n"
                  "<tool_call>\n{\"name\": \"g\", \"arguments\": {}}\n</tool_call><|im_end|>") ==
          "r:Hm | c:Look. | call f({\"a\": \"}\\\"\"}) | call g({}) | .");
    CHECK(outline("qwen2.5", kPlain, "<tool_call>{\"id\": [1], \"name\":\"\\u0066\"}</tool_call>") == "call f({})");
    CHECK(outline("qwen2.5", kPlain, "The tag <tool_call> opens a call") ==
          "c:The tag  | !c:<tool_call>  | c:opens a call");
    CHECK(outline("qwen2.5", kPlain, "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": 1") == "call f({\"a\": 1!)");
    CHECK(outline("qwen2.5", kPlain, "<tool_call>{\"name\": \"" + std::string(5000, 'x'))
              .find("!c:<tool_call>{\"name\":  | c:\"xxx") == 0);
}

TEST_CASE("Llama's JSON and code") {
    const std::string call = "{\"name\": \"f\", \"parameters\": {\"a\": 1}}";
    CHECK(outline("llama-3.1", kPlain, "\n" + call + "<|eot_id|>") == "call f({\"a\": 1}) | .");
    CHECK(outline("llama-3.1", kPlain, "<|python_tag|>" + call + "<|eom_id|>") == "call f({\"a\": 1}) | .");
    CHECK(outline("llama-3.1", kPlain, "<|python_tag|>print(\"x\")\n<|eom_id|>") ==
          "call python({\"code\": \"print(\\\"x\\\")\\n\"}) | .");
    CHECK(outline("llama-3.1", kPlain, "{\"name\": \"Bob\", \"age\": 5}<|eot_id|>") ==
          "c:{\"name\": \"Bob\", \"age\": 5} | .");
    CHECK(outline("llama-3.1", kPlain, "So: " + call) == "c:So: " + call);
    CHECK(outline("llama-3.1", {AnswerStart::Block::none, AnswerStart::Tools::none}, call) == "c:" + call);
}

TEST_CASE("text comes out as soon as it is certain") {
    ChatParser parser(grammar_of("qwen3"), kPlain);
    const auto pushed = [&parser](std::string_view bytes) {
        REQUIRE(parser.push(bytes));
        std::string text;
        while (const auto event = parser.next()) text += event->text;
        return text;
    };
    CHECK(pushed("Hel") == "Hel");
    CHECK(pushed("lo<") == "lo");
    CHECK(pushed("b>\xF0\x9F") == "<b>");
    CHECK(pushed("\xA6\x99<tool_call>{\"na") == "\xF0\x9F\xA6\x99");
    CHECK(pushed("me\": \"f\", \"arguments\"") == "");
    CHECK(pushed(": {\"a\"") == "f{\"a\"");
    CHECK(pushed(": tr") == ": tr");
    parser.finish();
    parser.finish();
    CHECK(parser.push("x").error().message == "the answer was finished, 1 bytes follow");
}

TEST_CASE("where an answer begins") {
    const auto request = parse_chat_request(R"({"messages": [{"role": "user", "content": "x"}], "thinking": true})");
    REQUIRE(request);
    const auto prompt = render_chat(*find_chat_format("deepseek-v4"), *request);
    REQUIRE(prompt);
    const AnswerStart start = AnswerStart::of(*request, *prompt);
    CHECK(start.block == AnswerStart::Block::reasoning);
    CHECK(start.tools == AnswerStart::Tools::none);
}

TEST_CASE("10,000 random answers say the same however they are cut; the valid ones what was meant") {
    std::mt19937 random(20);
    size_t n_calls = 0, n_whole_calls = 0, n_flagged = 0;
    for (size_t round = 0; round < 10000; ++round) {
        const ChatFormat &format = *chat_formats()[round % chat_formats().size()];
        MadeAnswer made = AnswerMaker(random, format.grammar).make();
        const size_t kind = round / chat_formats().size() % 3;
        if (kind == 1) made.text = damaged(random, made.text, format.grammar.calls);
        if (kind == 2) made.text = random_answer(random, format.grammar.calls);
        std::vector<size_t> cuts(random() % 6);
        for (size_t &cut : cuts) cut = random() % (made.text.size() + 1);
        std::sort(cuts.begin(), cuts.end());
        INFO(format.name, ": ", made.text);
        REQUIRE(answer_complaint(format.grammar, made.start, made.text, cuts) == "");
        const Reading whole = read_answer(format.grammar, made.start, made.text, {});
        if (kind == 0) REQUIRE(whole.said == made.said);
        for (const Said &one : whole.said) {
            n_calls += one.kind == ChatEventKind::call_begin ? 1 : 0;
            n_whole_calls += one.kind == ChatEventKind::call_end && !one.is_malformed ? 1 : 0;
            n_flagged += one.is_malformed ? 1 : 0;
        }
        for (size_t at = 0; at <= made.text.size(); ++at) {
            REQUIRE(cut_complaint(format.grammar, made.start, made.text, whole, {at}) == "");
        }
    }
    MESSAGE(n_calls << " calls, " << n_whole_calls << " of them whole; " << n_flagged << " events flagged");
    CHECK(n_whole_calls > 3000);
    CHECK(n_calls > n_whole_calls + 500);
    CHECK(n_flagged > 1000);
}

namespace {

enum class Fault { loses, repeats, forgets, halves, miscounts, unflags, hoards, invents };

/// A parser with a fault, which the property must see.
template <Fault fault>
class FaultyParser {
public:
    FaultyParser(const ChatGrammar &grammar, AnswerStart start) : grammar_(grammar) { parser_.emplace(grammar, start); }

    Result<void> push(std::string_view bytes) {
        if (fault == Fault::loses && bytes.ends_with('<')) bytes.remove_suffix(1);
        if (fault == Fault::repeats && bytes.starts_with('<')) HADAL_CHECK(parser_->push("<"));
        if (fault == Fault::hoards) held_ += bytes.size();
        HADAL_CHECK(parser_->push(bytes));
        if (fault == Fault::forgets && !bytes.empty()) {  // the end of a piece is the end of a tag
            parser_->finish();
            while (auto event = parser_->next()) events_.push_back(*std::move(event));
            parser_.emplace(grammar_, kPlain);
        }
        return {};
    }
    void finish() { parser_->finish(); }
    std::optional<ChatEvent> next() {
        std::optional<ChatEvent> event;
        if (!events_.empty()) {
            event = std::move(events_.front());
            events_.erase(events_.begin());
        } else {
            event = parser_->next();
        }
        if (!event) return event;
        if (fault == Fault::halves && event->text.size() > 1) event->text.pop_back();
        if (fault == Fault::miscounts) event->call_i = 0;
        if (fault == Fault::unflags) event->is_malformed = false;
        if (fault == Fault::invents && event->kind == ChatEventKind::call_arguments) event->text += '}';
        return event;
    }
    size_t held_bytes() const { return parser_->held_bytes() + held_; }

private:
    const ChatGrammar &grammar_;
    std::optional<ChatParser> parser_;
    std::vector<ChatEvent> events_;
    size_t held_ = 0;
};

template <Fault fault>
bool is_found_out() {
    std::mt19937 random(21);
    for (size_t round = 0; round < 500; ++round) {
        const ChatGrammar &grammar = chat_formats()[round % chat_formats().size()]->grammar;
        const MadeAnswer made = AnswerMaker(random, grammar).make();
        const std::string text = round % 2 == 0 ? made.text : damaged(random, made.text, grammar.calls);
        if (!answer_complaint<FaultyParser<fault>>(grammar, made.start, text, {text.size() / 2}).empty()) return true;
    }
    return false;
}

}  // namespace

TEST_CASE("a parser with a fault is found out") {
    CHECK(is_found_out<Fault::loses>());
    CHECK(is_found_out<Fault::repeats>());
    CHECK(is_found_out<Fault::forgets>());
    CHECK(is_found_out<Fault::halves>());
    CHECK(is_found_out<Fault::miscounts>());
    CHECK(is_found_out<Fault::unflags>());
    CHECK(is_found_out<Fault::hoards>());
    CHECK(is_found_out<Fault::invents>());
}

TEST_CASE("arguments that are no JSON object are flagged") {
    for (const std::string json : {"{}", "{\"a\": [1, -0.5e+3, {\"b\": null}]}", " {\"\\ud83e\\udd99\": true}\n"}) {
        CHECK(read_marks("deepseek-v3.1", kPlain, "[calls][call]f[sep]" + json + "[/call][/calls]") ==
              "call f(" + json + ")");
    }
    for (const std::string json : {"",
                                   "[]",
                                   "{",
                                   "{}}",
                                   "{} x",
                                   "{\"a\"}",
                                   "{\"a\": }",
                                   "{\"a\": 1,}",
                                   "{,}",
                                   "{a: 1}",
                                   "{\"a\": 01}",
                                   "{\"a\": 1.}",
                                   "{\"a\": .5}",
                                   "{\"a\": 1e}",
                                   "{\"a\": tru}",
                                   "{\"a\": \"\\x\"}",
                                   "{\"a\": \"\\ud83e\"}",
                                   "{\"a\": \"\\udd99\"}",
                                   "{\"a\": \"\n\"}",
                                   "{\"a\": [1}",
                                   "{\"a\" 1}",
                                   "{\"a\": 1 \"b\": 2}",
                                   "{'a': 1}",
                                   "{\"a\": -}",
                                   "null"}) {
        CAPTURE(json);
        CHECK(read_marks("deepseek-v3.1", kPlain, "[calls][call]f[sep]" + json + "[/call][/calls]") ==
              "call f(" + json + "!)");
    }
    CHECK(outline("qwen3", kPlain, "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\" 1}}</tool_call>") ==
          "call f({\"a\" 1}!)");
    CHECK(
        read_marks(
            "deepseek-v4", kPlain,
            "\n\n<{D}tool_calls>\n<{D}invoke name=\"f\">\n<{D}parameter name=\"k\" string=\"false\">so</{D}parameter>\n"
            "</{D}invoke>\n</{D}tool_calls>") == "call f({\"k\": so}!)");
    std::string deep = "{\"a\": " + std::string(63, '[') + std::string(63, ']') + "}";
    CHECK(read_marks("deepseek-v3.1", kPlain, "[calls][call]f[sep]" + deep + "[/call]") == "call f(" + deep + ")");
    deep = "{\"a\": " + std::string(64, '[') + std::string(64, ']') + "}";
    CHECK(read_marks("deepseek-v3.1", kPlain, "[calls][call]f[sep]" + deep + "[/call]") == "call f(" + deep + "!)");
}

TEST_CASE("answers that mean harm") {
    // Marks within a JSON string are text, of whatever format; within marks of its own, a format cannot tell.
    CHECK(outline("qwen3", kPlain,
                  "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": \"</tool_call><tool_call>{\\\"name\\\": "
                  "<|im_end|>\"}}\n"
                  "</tool_call><|im_end|>") ==
          "call f({\"a\": \"</tool_call><tool_call>{\\\"name\\\": <|im_end|>\"}) | .");
    CHECK(outline("llama-3.1", kPlain, "{\"name\": \"f\", \"parameters\": {\"a\": \"<|eot_id|>}\"}}<|eot_id|>") ==
          "call f({\"a\": \"<|eot_id|>}\"}) | .");
    CHECK(read_marks("deepseek-v3.1", kPlain, "[calls][call]f[sep]{\"a\": \"[/call]\"}[/call][/calls]")
              .find("call f({\"a\": \"!) | ") == 0);
    const std::string dsml = "\n\n<{D}tool_calls>\n<{D}invoke name=\"f\">\n<{D}parameter name=\"k\" string=\"true\">";
    CHECK(read_marks(
              "deepseek-v4", kPlain,
              dsml + "</{D}invoke></{D}tool_calls><{D}parameter>\"</{D}parameter>\n</{D}invoke>\n</{D}tool_calls>") ==
          marks("call f({\"k\": \"</{D}invoke></{D}tool_calls><{D}parameter>\\\"\"})"));
    CHECK(read_marks("deepseek-v4", kPlain, dsml + "a</{D}parameter>b</{D}parameter>\n</{D}invoke>\n</{D}tool_calls>")
              .find("call f({\"k\": \"a\"!) | ") == 0);
    CHECK(read_marks("deepseek-v4", kPlain, dsml + "a[eos]b") == "call f({\"k\": \"a!) | . | !c:b");
    // Reasoning is a block at the beginning, and one.
    CHECK(outline("qwen3", kPlain, "A <think>b</think> c") == "c:A <think>b</think> c");
    CHECK(outline("qwen3", kPlain, "<think>a</think><think>b</think>") == "r:a | c:<think>b</think>");
    CHECK(outline("deepseek-r1", kThinking, "a<think>b</think>c</think>") == "r:a<think>b | c:c</think>");
    CHECK(outline("deepseek-r1", kThinking, "<think>\n<think>\na</think>b") == "r:<think>\na | c:b");
    CHECK(outline("qwen3", kPlain, "<think><tool_call>{\"name\": \"f\"}</tool_call>") ==
          "r:<tool_call>{\"name\": \"f\"}</tool_call>");
    // Calls that do not end.
    for (const char *format : {"deepseek-v3", "deepseek-v3.1", "deepseek-v4", "qwen3", "llama-3.1"}) {
        MadeAnswer made;
        std::mt19937 random(3);
        do made = AnswerMaker(random, grammar_of(format)).make();
        while (made.said.empty() || made.said[0].kind != ChatEventKind::call_begin);
        for (size_t n = 0; n < made.text.size(); ++n) {
            const Reading reading = read_answer(grammar_of(format), made.start, made.text.substr(0, n), {});
            CAPTURE(made.text.substr(0, n));
            CHECK(reading.complaint == "");
        }
    }
}

TEST_CASE("what is held back stays small, however long the answer") {
    std::string spaces(100000, ' '), letters(100000, 'x'), keys = "{";
    for (int i = 0; i < 20000; ++i) keys += "\"k" + std::to_string(i) + "\": 1, ";
    const std::string dsml = "\n\n<{D}tool_calls>\n<{D}invoke name=\"", parameter = "f\">\n<{D}parameter name=\"";
    for (const std::string &answer : {"[calls]" + spaces,
                                      "[calls][call]" + letters,
                                      "[calls][call]function[sep]" + letters,
                                      "[calls][call]f[sep]{" + spaces,
                                      dsml + letters,
                                      dsml + parameter + letters,
                                      dsml + "f\">" + spaces,
                                      dsml + parameter + "k\" string=\"" + letters,
                                      "<tool_call>" + spaces,
                                      "<tool_call>" + keys,
                                      "<tool_call>{\"" + letters,
                                      "<tool_call>{\"name\": \"" + letters,
                                      "<tool_call>{\"x\": [" + spaces,
                                      "<tool_call>{\"name\": \"f\", \"arguments\": {" + spaces,
                                      "<|python_tag|>" + spaces,
                                      "<|python_tag|>{" + keys,
                                      "{\"name\": " + spaces,
                                      spaces + "{",
                                      "<think>" + spaces + "</",
                                      spaces + "<think>",
                                      std::string(100000, '\n'),
                                      "<think>" + std::string(100000, '\n'),
                                      std::string(100000, '<')}) {
        const std::string text = marks(answer);
        for (const ChatFormat *format : chat_formats()) {
            INFO(format->name, ": ", answer.substr(0, 100));
            ChatParser parser(format->grammar, kPlain);
            size_t n_bytes = 0, most = 0;
            for (size_t at = 0; at < text.size(); at += 1000) {
                REQUIRE(parser.push(std::string_view(text).substr(at, 1000)));
                while (const auto event = parser.next()) n_bytes += event->source.size();
                most = std::max(most, parser.held_bytes());
            }
            CHECK(most < 8192);
            parser.finish();
            while (const auto event = parser.next()) n_bytes += event->source.size();
            CHECK(n_bytes == text.size());
        }
    }
}
