// Where a checkpoint's chat templates are found, and what is refused there.
#include "format/chat_templates.h"

#include <doctest/doctest.h>

#include "support/temp_folder.h"

using namespace hadal::core;
using hadal::test::TempFolder;

namespace {

Result<ChatTemplates> read(const TempFolder &place) {
    HADAL_TRY(const Folder folder, Folder::open(place.path()));
    return read_chat_templates(folder);
}

}  // namespace

TEST_CASE("a folder's template: a string, or the named ones that mean something") {
    const TempFolder folder;
    REQUIRE(read(folder));
    CHECK(read(folder)->standard.empty());
    folder.write("tokenizer_config.json", R"({"chat_template": "one"})");
    CHECK(read(folder)->standard == "one");
    CHECK(read(folder)->with_tools.empty());
    CHECK(read(folder)->file.ends_with("tokenizer_config.json"));
    folder.write("tokenizer_config.json",
                 R"({"chat_template": [{"name": "rag", "template": "R"}, {"name": "tool_use", "template": "T"},
                     {"name": "default", "template": "D"}]})");
    CHECK(read(folder)->standard == "D");
    CHECK(read(folder)->with_tools == "T");
    folder.write("tokenizer_config.json", R"({"chat_template": null})");
    CHECK(read(folder)->standard.empty());
}

TEST_CASE("chat_template.jinja is newer than tokenizer_config.json") {
    const TempFolder folder;
    folder.write("tokenizer_config.json", R"({"chat_template": "old"})");
    folder.write("chat_template.jinja", "new\n");
    CHECK(read(folder)->standard == "new\n");
    CHECK(read(folder)->file.ends_with("chat_template.jinja"));
}

TEST_CASE("what is no template is refused, with file and field") {
    const TempFolder folder;
    for (const char *config : {R"({"chat_template": 7})", R"({"chat_template": [7]})", R"({"chat_template": [{}]})",
                               R"({"chat_template": [{"name": "default", "template": null}]})", "[]", "{"}) {
        CAPTURE(config);
        folder.write("tokenizer_config.json", config);
        const auto result = read(folder);
        REQUIRE_FALSE(result);
        CHECK(result.error().status == Status::bad_format);
        CHECK(result.error().message.find("tokenizer_config.json") != std::string::npos);
    }
    folder.write("chat_template.jinja", "a\xFF");
    REQUIRE_FALSE(read(folder));
    CHECK(read(folder).error().message.find("not UTF-8 at byte 1") != std::string::npos);
}

TEST_CASE("a GGUF file's templates") {
    Metadata metadata("m.gguf");
    CHECK(read_chat_templates(metadata)->standard.empty());
    REQUIRE(metadata.add("tokenizer.chat_template", std::string("D")));
    REQUIRE(metadata.add("tokenizer.chat_template.tool_use", std::string("T")));
    CHECK(read_chat_templates(metadata)->standard == "D");
    CHECK(read_chat_templates(metadata)->with_tools == "T");
}
