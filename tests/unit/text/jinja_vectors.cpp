// Templates with known renderings: vectors of another implementation, and what transformers makes of real templates.
#include <doctest/doctest.h>
#include <simdjson.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "support/test_data.h"
#include "text/jinja.h"

using namespace hadal::core;
using namespace hadal::core::jinja;

namespace {

std::string read(const std::string &path) {
    std::ifstream in(path, std::ios::binary);
    REQUIRE_MESSAGE(in.good(), path << " can be read");
    return {std::istreambuf_iterator<char>(in), {}};
}

Result<std::string> render(std::string_view source, std::string_view json, Dialect dialect) {
    HADAL_TRY(const Template parsed, Template::parse(source));
    HADAL_TRY(const Context context, Context::from_json(json));
    RenderOptions options;
    options.dialect = dialect;
    return parsed.render(context, options);
}

/// At some time of a September: its name is the longest, and templates ask for the length of a date.
Result<std::string> render_now(std::string_view source, std::string_view json) {
    HADAL_TRY(const Template parsed, Template::parse(source));
    HADAL_TRY(const Context context, Context::from_json(json));
    RenderOptions options;
    options.now = ClockTime{2026, 9, 9, 14, 5, 7};
    return parsed.render(context, options);
}

/// "" where it fails.
std::string text_of(const Result<std::string> &result) {
    return result ? *result : "failed: " + result.error().message;
}

std::string goldens() {
    const char *given = std::getenv("HADAL_JINJA_GOLDENS");
    if (given != nullptr) return given;
    return std::filesystem::path(__FILE__).parent_path() / "goldens" / "jinja";
}

std::string styles() {
    return std::filesystem::path(__FILE__).parent_path() / "goldens" / "jinja" / "styles" / "";
}

std::string string_of(simdjson::dom::element element) {
    return std::string(std::string_view(element));
}

/// The text of an element, as JSON.
std::string json_of(simdjson::dom::element element) {
    return simdjson::minify(element);
}

}  // namespace

TEST_CASE("every vector of the language") {
    const auto vectors = hadal::test::test_data("vectors/jinja.jsonl");
    if (!vectors) return;
    simdjson::dom::parser parser;
    size_t n_vectors = 0;
    for (const simdjson::dom::element line : parser.load_many(*vectors)) {
        CAPTURE(string_of(line["name"]));
        const auto result = render(string_of(line["template"]), json_of(line["context"]), Dialect::javascript);
        CHECK(text_of(result) == string_of(line["expected"]));
        ++n_vectors;
    }
    CHECK(n_vectors == 79);
}

TEST_CASE("every vector of chat templates, however values are printed") {
    const auto vectors = hadal::test::test_data("vectors/chat_templates.jsonl");
    if (!vectors) return;
    simdjson::dom::parser parser;
    size_t n_vectors = 0;
    for (const simdjson::dom::element line : parser.load_many(*vectors)) {
        CAPTURE(string_of(line["name"]));
        for (const Dialect dialect : {Dialect::python, Dialect::javascript}) {
            const auto result = render(string_of(line["chat_template"]), json_of(line["data"]), dialect);
            CHECK(text_of(result) == string_of(line["target"]));
        }
        ++n_vectors;
    }
    CHECK(n_vectors == 16);
}

TEST_CASE("real templates render conversations as transformers does") {
    const auto folder = hadal::test::test_data("chat_templates");
    if (!folder) return;
    simdjson::dom::parser parser;
    std::map<std::string, std::string> conversations;
    for (const simdjson::dom::element line : parser.load_many(goldens() + "/conversations.jsonl")) {
        conversations[string_of(line["name"])] = json_of(line["context"]);
    }
    size_t n_chats = 0;
    for (const simdjson::dom::element line : parser.load_many(goldens() + "/chats.jsonl")) {
        const std::string name = string_of(line["template"]), talk = string_of(line["conversation"]);
        CAPTURE(name);
        CAPTURE(talk);
        const auto result = render(read(*folder + "/" + name), conversations.at(talk), Dialect::python);
        std::string_view output;
        if (line["output"].get(output) == simdjson::SUCCESS) {
            CHECK(text_of(result) == std::string(output));
        } else {
            CHECK(!result);
        }
        ++n_chats;
    }
    CHECK(n_chats >= 9 * 21);
}

TEST_CASE("templates in the manner of public ones render as transformers renders them") {
    simdjson::dom::parser parser;
    std::map<std::string, std::string> conversations;
    for (const simdjson::dom::element line : parser.load_many(goldens() + "/conversations.jsonl")) {
        conversations[string_of(line["name"])] = json_of(line["context"]);
    }
    size_t n_chats = 0, n_outputs = 0;
    for (const simdjson::dom::element line : parser.load_many(goldens() + "/styles.jsonl")) {
        const std::string name = string_of(line["template"]), talk = string_of(line["conversation"]);
        INFO(name, " over ", talk);
        const auto result = render_now(read(styles() + name), conversations.at(talk));
        std::string_view output;
        if (line["output"].get(output) == simdjson::SUCCESS) {
            CHECK(text_of(result) == std::string(output));
            ++n_outputs;
        } else {
            CHECK(!result);
        }
        ++n_chats;
    }
    CHECK(n_chats >= 230);
    CHECK(n_outputs >= 150);
}

TEST_CASE("random templates compute what jinja2 computes") {
    const std::string context = read(goldens() + "/random_context.json");
    simdjson::dom::parser parser;
    size_t n_templates = 0, n_different = 0;
    for (const simdjson::dom::element line : parser.load_many(goldens() + "/random.jsonl")) {
        const std::string source = string_of(line["template"]);
        const auto result = render(source, context, Dialect::python);
        std::string_view output;
        const bool has_output = line["output"].get(output) == simdjson::SUCCESS;
        const bool same = has_output ? result && *result == output : !result;
        if (!same && ++n_different <= 20) {
            MESSAGE(source << "\n  here: " << text_of(result) << "\n  there: " << output);
        }
        ++n_templates;
    }
    CHECK(n_templates >= 1000);
    CHECK(n_different == 0);
}
