// Answers at random: valid ones with what they say, broken ones, and heaps of pieces. Shared by the unit test and the
// fuzzer.
#pragma once

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "support/chat_checks.h"
#include "text/chat_json.h"

namespace hadal::test {

/// The special tokens of DeepSeek, written short: [calls] for <|tool calls begin|> and so on, {D} for |DSML|.
inline std::string marks(std::string text) {
    const std::pair<std::string, std::string> table[] = {{"[calls]", "<\uFF5Ctool\u2581calls\u2581begin\uFF5C>"},
                                                         {"[/calls]", "<\uFF5Ctool\u2581calls\u2581end\uFF5C>"},
                                                         {"[call]", "<\uFF5Ctool\u2581call\u2581begin\uFF5C>"},
                                                         {"[/call]", "<\uFF5Ctool\u2581call\u2581end\uFF5C>"},
                                                         {"[sep]", "<\uFF5Ctool\u2581sep\uFF5C>"},
                                                         {"[eos]", "<\uFF5Cend\u2581of\u2581sentence\uFF5C>"},
                                                         {"{D}", "\uFF5CDSML\uFF5C"}};
    for (const auto &[short_form, mark] : table) {
        for (size_t at = text.find(short_form); at != std::string::npos; at = text.find(short_form, at + mark.size())) {
            text.replace(at, short_form.size(), mark);
        }
    }
    return text;
}

/// What heaps are made of.
inline const std::vector<std::string> &pieces_of(core::CallSyntax calls) {
    static const std::vector<std::string> marked = {"[calls]",
                                                    "[/calls]",
                                                    "[call]",
                                                    "[/call]",
                                                    "[sep]",
                                                    "[eos]",
                                                    "function[sep]f\n```json\n",
                                                    "\n```[/call]",
                                                    "\n```",
                                                    "\n",
                                                    "f[sep]{\"a\": 1}",
                                                    "[calls][call]f[sep]",
                                                    "[calls][call]function[sep]f\n```json\n{}\n```[/call][/calls]"};
    static const std::vector<std::string> dsml = {"\n\n<{D}tool_calls>\n",
                                                  "\n<{D}function_calls>",
                                                  "<{D}tool_calls>",
                                                  "</{D}tool_calls>",
                                                  "</{D}function_calls>",
                                                  "<{D}invoke name=\"f\">\n",
                                                  "</{D}invoke>\n",
                                                  "<{D}invoke name=\"",
                                                  "<{D}parameter name=\"k\" string=\"true\">",
                                                  "<{D}parameter name=\"n\" string=\"false\">7",
                                                  "</{D}parameter>\n",
                                                  "string=\"maybe\">",
                                                  "[eos]",
                                                  "\n\n",
                                                  "\n",
                                                  "\""};
    static const std::vector<std::string> hermes = {"<tool_call>",
                                                    "\n<tool_call>\n",
                                                    "</tool_call>",
                                                    "\n</tool_call>",
                                                    "{\"name\": \"f\", \"arguments\": ",
                                                    "{\"a\": \"</tool_call>\"}",
                                                    "{\"name\": \"g\"}",
                                                    "{",
                                                    "}",
                                                    "[]",
                                                    "\"",
                                                    "\\",
                                                    "{\"arguments\": {}, \"name\": \"f\"}",
                                                    ", \"x\": [1, {}]",
                                                    "<|im_end|>",
                                                    "<|endoftext|>"};
    static const std::vector<std::string> llama = {"{\"name\": \"f\", \"parameters\": ",
                                                   "{\"type\": \"function\", ",
                                                   "\"name\": \"f\", ",
                                                   "\"parameters\": {\"a\": [\"}\"]}",
                                                   "{}",
                                                   "}",
                                                   "{",
                                                   " ",
                                                   "<|python_tag|>",
                                                   "print(\"x\")\n",
                                                   "<|eot_id|>",
                                                   "<|eom_id|>"};
    return calls == core::CallSyntax::dsml     ? dsml
           : calls == core::CallSyntax::hermes ? hermes
           : calls == core::CallSyntax::llama  ? llama
                                               : marked;
}

inline std::string random_answer(std::mt19937 &random, core::CallSyntax calls) {
    static const std::vector<std::string> common = {
        "Hello", "\u00E9", "\xF0\x9F\xA6\x99", "<think>", "</think>",      "\n", "\n\n",
        "<",     "\xFF",   "\xE2\x96",         " ",       "{\"k\": \"v\"}"};
    std::string answer;
    for (size_t n = random() % 14; n > 0; --n) {
        const auto &pieces = random() % 3 == 0 ? common : pieces_of(calls);
        std::string piece = marks(pieces[random() % pieces.size()]);
        if (random() % 12 == 0) piece.resize(random() % (piece.size() + 1));
        answer += piece;
    }
    return answer;
}

// ---- Valid answers, and what they say -------------------------------------------------------------------------------

struct MadeAnswer {
    std::string text;
    core::AnswerStart start;
    std::vector<Said> said;
};

/// Writes one answer as the models of a format do.
class AnswerMaker {
public:
    AnswerMaker(std::mt19937 &random, const core::ChatGrammar &grammar) : random_(random), grammar_(grammar) {}

    MadeAnswer make() {
        made_.start.tools = core::AnswerStart::Tools::given;
        if (grammar_.reasoning.is_used && chance(70)) reasoning();
        const bool has_calls = grammar_.calls != core::CallSyntax::none && chance(60);
        // Llama writes text or a call; spaces of the first text could be taken for those before <think>.
        if (!(has_calls && grammar_.calls == core::CallSyntax::llama) && chance(80)) content();
        if (has_calls) calls();
        if (chance(80)) {
            made_.text += grammar_.stops[random_() % grammar_.stops.size()];
            say(made_.said, {core::ChatEventKind::stop, "", 0, false});
        }
        return std::move(made_);
    }

private:
    bool chance(unsigned percent) { return random_() % 100 < percent; }

    std::string words(const std::vector<std::string> &of, size_t most) {
        std::string text;
        for (size_t n = random_() % (most + 1); n > 0; --n) text += of[random_() % of.size()];
        return text;
    }

    void write(core::ChatEventKind kind, const std::string &text) {
        made_.text += text;
        if (!text.empty()) say(made_.said, {kind, text, 0, false});
    }

    void reasoning() {
        static const std::vector<std::string> of = {
            "Hm. ",      "\n",  "\n\n", " ",           "</thin", "<think>",          "<tool_call>",
            "\u6DF1",    "{",   "<",    "</think",     "\"",     "\xF0\x9F\xA6\x99", "<|python_tag|>",
            "{\"a\": 1", "\n<", "</",   "<\uFF5CDSML", "```",    "e\u0301"};
        if (chance(50)) {
            made_.start.block = core::AnswerStart::Block::reasoning;
        } else {
            made_.text += "<think>" + std::string(grammar_.reasoning.after_open, '\n');
        }
        // A first <think> would be the prompt's, repeated.
        write(core::ChatEventKind::reasoning, (chance(90) ? "So" : "") + words({of.begin(), of.begin() + 5}, 2));
        if (!made_.said.empty()) write(core::ChatEventKind::reasoning, words(of, 8));
        made_.text += std::string(grammar_.reasoning.before_close, '\n') + "</think>";
        made_.text += std::string(grammar_.reasoning.after_close, '\n');
    }

    void content() {
        static const std::vector<std::string> of = {
            "Yes. ",      "\n",     "\n\n",  " ",   "<",     "</think>", "<think>",  "\u6DF1", "\xF0\x9F\xA6\x99",
            "{\"k\": 1}", "<tool_", "</",    "```", "\n\n<", "e\u0301",  "\"",       "\\",     "}",
            "<\uFF5CDSM", "<|im_",  "<|eot", "\n",  "\t",    "\u00A0",   "<\uFF5Ct", "[",      "\r\n",
            "<|python_"};
        write(core::ChatEventKind::content, "T" + words(of, 10));
    }

    std::string json_string() {
        static const std::vector<std::string> of = {
            "a", "}",  "{",           "\\\"", "\\\\", "</tool_call>", "\\n", "\u6DF1", "\\u00e9",  "]",
            ",", ": ", "<tool_call>", " ",    "</",   "<think>",      "```", "\\/",    "</think>", "\\ud83e\\udd99"};
        return '"' + words(of, 6) + '"';
    }

    std::string json_value(int depth) {
        static const std::vector<std::string> scalars = {"0",    "-1",    "2.50", "1e5", "-0.5E-3",
                                                         "true", "false", "null", "{}",  "[]"};
        if (depth > 0 && chance(20)) return json_object(depth - 1);
        if (depth > 0 && chance(20)) return "[" + json_value(depth - 1) + ", " + json_value(depth - 1) + "]";
        return chance(50) ? json_string() : scalars[random_() % scalars.size()];
    }

    std::string json_object(int depth) {
        const std::string space = chance(80) ? "" : chance(50) ? " " : "\n  ";
        std::string json = "{" + space;
        for (size_t n = random_() % 4; n > 0; --n) {
            json += json_string() + (chance(80) ? ": " : ":") + json_value(depth) + space;
            if (n > 1) json += ", ";
        }
        return json + "}";
    }

    void call(const std::string &before, const std::string &name, const std::string &after,
              const std::string &arguments) {
        using core::ChatEventKind;
        made_.text += before + name + after;
        say(made_.said, {ChatEventKind::call_begin, name, n_calls_, false});
        say(made_.said, {ChatEventKind::call_arguments, arguments, n_calls_, false});
        say(made_.said, {ChatEventKind::call_end, "", n_calls_, false});
        ++n_calls_;
    }

    std::string name() {
        static const std::vector<std::string> of = {"f", "get_weather", "gr\u00F6\u00DFe", "a.b-c", "x y", "\u6DF1"};
        return of[random_() % of.size()];
    }

    void calls() {
        size_t n = random_() % 3 + 1;
        const std::string begun =
            made_.said.empty() || made_.said.back().kind != core::ChatEventKind::content ? "" : "\n";
        switch (grammar_.calls) {
            case core::CallSyntax::none:
                break;
            case core::CallSyntax::deepseek_fenced:
            case core::CallSyntax::deepseek_plain:
                return marked_calls(n);
            case core::CallSyntax::dsml:
                return dsml_calls(n);
            case core::CallSyntax::hermes:
                for (size_t i = 0; i < n; ++i) {
                    const std::string json = json_object(2);
                    const std::string open = (i == 0 ? begun : "\n") + "<tool_call>\n{\"name\": \"";
                    call(open, name(), "\", \"arguments\": " + json + "}\n</tool_call>", json);
                }
                break;
            case core::CallSyntax::llama:
                const std::string json = json_object(2);
                const std::string open = chance(30) ? "<|python_tag|>" : chance(20) ? "\n\n" : "";
                call(open + "{\"name\": \"", name(), "\", \"parameters\": " + json + "}", json);
        }
    }

    void marked_calls(size_t n) {
        const bool is_fenced = grammar_.calls == core::CallSyntax::deepseek_fenced;
        made_.text += marks("[calls]");
        for (size_t i = 0; i < n; ++i) {
            const std::string json = json_object(2);
            if (is_fenced) {
                const std::string open = marks((i == 0 ? "" : "\n") + std::string("[call]function[sep]"));
                call(open, name(), "\n```json\n" + json + marks("\n```[/call]"), json);
            } else {
                call(marks("[call]"), name(), marks("[sep]") + json + marks("[/call]"), json);
            }
        }
        made_.text += marks("[/calls]");
    }

    void dsml_calls(size_t n) {
        static const std::vector<std::string> of = {"a",       "\n",
                                                    "\"",      "\\",
                                                    "</",      "<\uFF5CDSML\uFF5C",
                                                    "\u6DF1",  "\t",
                                                    "<think>", "</\uFF5CDSML\uFF5Cinvoke>",
                                                    "<",       "\x01",
                                                    "{}",      " ",
                                                    "</think>"};
        made_.text += grammar_.block_open;
        for (size_t i = 0; i < n; ++i) {
            std::string json, written = "\">\n";
            for (size_t left = random_() % 4; left > 0; --left) {
                const bool is_string = chance(60);
                const std::string key = "k" + words({"\u6DF1", "x", " ", "'"}, 2);
                const std::string value = is_string ? words(of, 6) : json_value(2);
                json += json.empty() ? "{" : ", ";
                core::append_json_string(key, json);
                json += ": ";
                if (is_string) {
                    core::append_json_string(value, json);
                } else {
                    json += value;
                }
                written += marks("<{D}parameter name=\"") + key +
                           (is_string ? "\" string=\"true\">" : "\" string=\"false\">") + value +
                           marks("</{D}parameter>\n");
            }
            call(marks("\n<{D}invoke name=\""), name(), written + marks("</{D}invoke>"),
                 json.empty() ? "{}" : json + "}");
        }
        made_.text += "\n" + std::string(grammar_.block_close);
    }

    std::mt19937 &random_;
    const core::ChatGrammar &grammar_;
    MadeAnswer made_;
    size_t n_calls_ = 0;
};

/// A valid answer, damaged in one to three places.
inline std::string damaged(std::mt19937 &random, std::string answer, core::CallSyntax calls) {
    for (size_t n = random() % 3 + 1; n > 0; --n) {
        const size_t at = random() % (answer.size() + 1);
        const size_t size = std::min<size_t>(random() % 12 + 1, answer.size() - at);
        switch (random() % 6) {
            case 0:
                answer.erase(at, size);
                break;
            case 1:
                answer.insert(at, answer.substr(at, size));
                break;
            case 2:
                answer.resize(at);
                break;
            case 3:
                if (at < answer.size()) answer[at] = static_cast<char>(random());
                break;
            case 4: {
                const auto &pieces = pieces_of(calls);
                answer.insert(at, marks(pieces[random() % pieces.size()]));
                break;
            }
            default:
                std::rotate(answer.begin(), answer.begin() + static_cast<ptrdiff_t>(at), answer.end());
        }
    }
    return answer;
}

}  // namespace hadal::test
