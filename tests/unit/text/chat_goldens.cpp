// Every built-in chat format against the renderings of the models' own templates and encoders.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "support/test_data.h"
#include "text/chat_format.h"
#include "text/chat_json.h"

using namespace hadal::core;

namespace {

std::filesystem::path folder() {
    return std::filesystem::path(__FILE__).parent_path() / "chat_goldens";
}

std::string contents(const std::filesystem::path &path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    return bytes.str();
}

std::string with_line_ends(std::string_view text, std::string_view end) {
    std::string out;
    for (const char c : text) c == '\n' ? out += end : out += c;
    return out;
}

/// The rendering, or "refused: why".
std::string rendering(const ChatFormat &format, std::string_view request_json) {
    const auto request = parse_chat_request(request_json);
    if (!request) return "refused: " + request.error().message;
    const auto prompt = render_chat(format, *request);
    return prompt ? prompt->text() : "refused: " + prompt.error().message;
}

}  // namespace

TEST_CASE("every format renders what the model's template or encoder renders") {
    const char *other = std::getenv("HADAL_CHAT_GOLDENS");  // a larger set, not committed
    std::ifstream lines(other != nullptr ? other : (folder() / "goldens.jsonl").string());
    REQUIRE(lines);
    std::map<std::string, int> n_rendered;
    for (std::string line; std::getline(lines, line);) {
        HeaderMemory memory("golden");
        const auto golden = JsonText::parse("golden", line, memory);
        REQUIRE(golden);
        const std::string name(golden->root()["format"].get_string().value_unsafe());
        const std::string_view request = golden->root()["request"].get_string().value_unsafe();
        const JsonElement wanted = golden->root()["text"].value_unsafe();
        const ChatFormat *format = find_chat_format(name);
        REQUIRE(format != nullptr);
        const std::string rendered = rendering(*format, request);
        INFO(name, ": ", request);
        if (wanted.is_null()) {
            CHECK(rendered.starts_with("refused: "));
        } else {
            CHECK(rendered == std::string(wanted.get_string().value_unsafe()));
            ++n_rendered[name];
        }
    }
    CHECK(n_rendered.size() == chat_formats().size());
    for (const auto &one : n_rendered) CHECK_MESSAGE(one.second >= 20, one.first);
}

TEST_CASE("a template is known by its bytes, and by every one of them") {
    int n_templates = 0;
    for (const auto &file : std::filesystem::directory_iterator(folder() / "templates")) {
        std::string text = contents(file.path());
        const ChatFormat *format = find_chat_format_of_template(text);
        INFO(file.path().string());
        REQUIRE(format != nullptr);
        CHECK(format->name == file.path().stem().string());
        for (const size_t at : {size_t{0}, text.size() / 2, text.size() - 1}) {
            text[at] = static_cast<char>(text[at] ^ 1);
            CHECK(find_chat_format_of_template(text) == nullptr);
            text[at] = static_cast<char>(text[at] ^ 1);
        }
        for (const std::string &same :
             {text + "\n", text + "\r\n", with_line_ends(text, "\r\n"), with_line_ends(text, "\r")}) {
            CHECK(find_chat_format_of_template(same) == format);
        }
        for (const std::string &other : {text + "\n\n", text + " ", "\n" + text, text + text}) {
            CHECK(find_chat_format_of_template(other) == nullptr);
        }
        ++n_templates;
    }
    CHECK(n_templates == 6);
    CHECK(find_chat_format_of_template("") == nullptr);
    CHECK(find_chat_format_of_template("{{ messages }} deepseek-r1 <\uFF5CUser\uFF5C>") == nullptr);
}

TEST_CASE("templates as models carry them") {
    const std::map<std::string, std::string> known = {
        {"deepseek-ai-DeepSeek-R1-Distill-Llama-8B", "deepseek-r1-distill"},
        {"Qwen-Qwen2.5-7B-Instruct", "qwen2.5"},
        {"Qwen-Qwen3-0.6B", "qwen3"},
        {"meta-llama-Llama-3.1-8B-Instruct", "llama-3.1"},
    };
    for (const char *name : {"Qwen-Qwen2.5-7B-Instruct", "Qwen-Qwen3-0.6B", "meta-llama-Llama-3.1-8B-Instruct",
                             "deepseek-ai-DeepSeek-R1-Distill-Llama-8B", "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B",
                             "deepseek-ai-DeepSeek-V3.1", "deepseek-ai-DeepSeek-V3.2", "deepseek-ai-DeepSeek-V4"}) {
        const auto path = hadal::test::test_data("chat_templates/" + std::string(name) + ".jinja");
        if (!path) return;
        const ChatFormat *format = find_chat_format_of_template(contents(*path));
        INFO(name);
        const auto wanted = known.find(name);
        // The others are rewritten: they do not render what the model's own template or encoder does.
        CHECK((format == nullptr) == (wanted == known.end()));
        if (format == nullptr || wanted == known.end()) continue;
        CHECK(format->name == wanted->second);
        std::string text = contents(*path);
        CHECK(find_chat_format_of_template(with_line_ends(text, "\r\n")) == format);
        text.ends_with('\n') ? text.pop_back() : text.push_back('\n');
        CHECK(find_chat_format_of_template(text) == format);
    }
}
