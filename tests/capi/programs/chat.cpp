// hadal template and parse: files in, text and events out, byte for byte; hadal chat and selftest, with Plankton.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "programs/child.h"
#include "support/temp_folder.h"
#include "support/test_data.h"

using namespace hadal::test;

namespace {

const std::string kHadal = PROGRAM_HADAL_CLI;

struct Files {
    TempFolder folder;
    std::string jinja = folder.write("t.jinja",
                                     "{{ bos_token }}{% for m in messages %}{{ m.role }}:{{ m.content }}\n"
                                     "{% endfor %}{{ tools | tojson if tools }}{{ note }}"
                                     "{{ '>' if add_generation_prompt }}{{ thinking }}");
    std::string list = folder.write("list.json", R"([{"role": "user", "content": "Hi \u00e9\n"}])");
    std::string object = folder.write("object.json", R"({"messages": [{"role": "user", "content": "Hi"}],
        "bos_token": "<b>", "note": "!", "tools": [{"b": 1, "a": 2.5}]})");
};

std::string written(const std::vector<std::string> &line) {
    const Finished finished = run(line);
    CAPTURE(finished.err);
    CHECK(finished.exit_code == 0);
    CHECK(finished.err.empty());
    return finished.out;
}

}  // namespace

TEST_CASE("template: a list is a conversation that goes on, an object is what the template sees") {
    const Files files;
    CHECK(written({kHadal, "template", files.jinja, "--messages", files.list}) == "user:Hi \u00e9\n\n>");
    CHECK(written({kHadal, "template", files.jinja, "--messages", files.object}) ==
          "<b>user:Hi\n[{\"b\": 1, \"a\": 2.5}]!");
    const std::string tools = files.folder.write("tools.json", "[1]");
    CHECK(written({kHadal, "template", files.jinja, "--messages", files.object, "--tools", tools, "--thinking",
                   "off"}) == "<b>user:Hi\n[1]!False");
    CHECK(written({kHadal, "template", "deepseek-v2", "--messages", files.folder.write("a.json", R"({"messages":
        [{"role": "user", "content": "a"}], "add_generation_prompt": true})")})
              .ends_with("User: a\n\nAssistant:"));
}

TEST_CASE("template: what is wrong is named, and nothing written") {
    const Files files;
    const std::string broken = files.folder.write("broken.json", "[");
    const std::string number = files.folder.write("number.json", "1");
    const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
        {{files.jinja, "--messages", broken}, "broken.json"},
        {{files.jinja, "--messages", number}, "number.json"},
        {{files.jinja, "--messages", files.list, "--tools", files.object}, "object.json"},
        {{"no-such-format", "--messages", files.list}, "no-such-format"},
        {{files.folder.write("bad.jinja", "{{"), "--messages", files.list}, "bad.jinja"},
        {{"deepseek-v3", "--messages", files.list, "--thinking", "on"}, "thinking"},
    };
    for (const auto &[rest, name] : cases) {
        std::vector<std::string> line = {kHadal, "template"};
        line.insert(line.end(), rest.begin(), rest.end());
        const Finished finished = run(line);
        CAPTURE(finished.err);
        CHECK(finished.exit_code == 1);
        CHECK(finished.out.empty());
        CHECK(finished.err.find(name) != std::string::npos);
    }
}

TEST_CASE("parse: an answer as events, one JSON a line") {
    const Files files;
    const std::string answer = "why</think>\n\nso";
    CHECK(run({kHadal, "parse", "--format", "deepseek-r1"}, answer).out ==
          "{\"event\":\"reasoning\",\"text\":\"why\"}\n{\"event\":\"content\",\"text\":\"\\n\\nso\"}\n");
    CHECK(run({kHadal, "parse", "--format", "deepseek-v3.1", "--thinking", "on"}, "why</think>so").out ==
          "{\"event\":\"reasoning\",\"text\":\"why\"}\n{\"event\":\"content\",\"text\":\"so\"}\n");
    CHECK(
        run({kHadal, "parse", "--format", "qwen2.5"}, "<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>")
            .out ==
        "{\"event\":\"tool_call_begin\",\"call\":0,\"name\":\"f\"}\n"
        "{\"event\":\"tool_call_arguments\",\"call\":0,\"text\":\"{}\"}\n"
        "{\"event\":\"tool_call_end\",\"call\":0}\n");
}

TEST_CASE("chat: each line a turn, answers one a line, reasoning elsewhere") {
    if (!HAS_SAMPLE_MODEL) return skipped("the sample model is no part of this build");
    const Finished finished = run({kHadal, "chat"}, "What is 47 + 12?\n\nWhat is 20 + 30?\n");
    CHECK(finished.exit_code == 0);
    CHECK(finished.out == "47 + 12 = 59.\n20 + 30 = 50.\n");
    CHECK(finished.err.find("47 + 12: ") != std::string::npos);
    CHECK(run({kHadal, "chat", "--temp", "0.8", "--seed", "7"}, "Hello\n").exit_code == 0);
    CHECK(run({kHadal, "chat"}).exit_code == 0);
    CHECK(run({kHadal, "chat"}).out.empty());
}

TEST_CASE("chat: what a script says is said to the model, whatever it looks like") {
    if (!HAS_SAMPLE_MODEL) return skipped("the sample model is no part of this build");
    const TempFolder folder;
    const std::string path = folder / "saved.json";
    CHECK(run({kHadal, "chat", "-n", "5"}, "/save " + path + "\n").exit_code == 0);
    CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("selftest: a table, and every check right") {
    if (!HAS_SAMPLE_MODEL) return skipped("the sample model is no part of this build");
    const Finished finished = run({kHadal, "selftest", "--sums", "5"});
    CHECK(finished.exit_code == 0);
    CHECK(finished.err.empty());
    for (const char *word : {"cpu", "reference", "tokenizer", "template", "logits", "sums", "5 of 5"}) {
        CAPTURE(word);
        CHECK(finished.out.find(word) != std::string::npos);
    }
    CHECK(finished.out.find("WRONG") == std::string::npos);
}

TEST_CASE("run: without a model a story, from the model in the box") {
    if (!HAS_SAMPLE_MODEL) return skipped("the sample model is no part of this build");
    const Finished finished = run({kHadal, "run", "-n", "12"});
    CHECK(finished.exit_code == 0);
    CHECK(finished.out.size() > 20);
}
