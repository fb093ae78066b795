// Random requests: over every chat template the interpreter, and where one stands for it the built-in format, render
// what transformers renders, and fail where it fails. chat_goldens/make_random.py makes them.
#include <doctest/doctest.h>
#include <simdjson.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "support/test_data.h"
#include "text/chat_format.h"
#include "text/jinja.h"

using namespace hadal::core;

namespace {

std::filesystem::path folder() {
    return std::filesystem::path(__FILE__).parent_path() / "chat_goldens";
}

std::string string_of(simdjson::dom::element element) {
    return std::string(std::string_view(element));
}

std::string text_of(const Result<std::string> &result) {
    return result ? *result : "failed: " + result.error().message;
}

/// Templates by the name of their file: ours, and those of the test data.
class Templates {
public:
    explicit Templates(std::string data) : data_(std::move(data)) {}

    const std::string &source(const std::string &name) {
        std::string &text = sources_[name];
        if (!text.empty()) return text;
        std::ifstream file(folder() / "templates" / name, std::ios::binary);
        if (!file) file = std::ifstream(data_ + "/" + name, std::ios::binary);
        REQUIRE_MESSAGE(file, name);
        std::ostringstream bytes;
        bytes << file.rdbuf();
        return text = bytes.str();
    }

    Result<std::string> render(const std::string &name, simdjson::dom::element context) {
        auto known = parsed_.find(name);
        if (known == parsed_.end()) {
            HADAL_TRY(auto parsed, jinja::Template::parse(source(name)));
            known = parsed_.emplace(name, std::move(parsed)).first;
        }
        HADAL_TRY(const auto values, jinja::Context::from_json(simdjson::minify(context)));
        return known->second.render(values);
    }

private:
    std::string data_;
    std::map<std::string, std::string> sources_;
    std::map<std::string, jinja::Template> parsed_;
};

Result<std::string> render_by_format(const ChatFormat &format, simdjson::dom::element json) {
    HADAL_TRY(const auto request, parse_chat_request(simdjson::minify(json)));
    HADAL_TRY(const auto prompt, render_chat(format, request));
    return prompt.text();
}

struct Count {
    size_t rendered = 0, accepted = 0;
};

}  // namespace

TEST_CASE("random requests are rendered as transformers does, by the interpreter and by every format") {
    const auto data = hadal::test::test_data("chat_templates");
    if (!data) return;
    const char *other = std::getenv("HADAL_CHAT_RANDOM");  // a larger set, not committed
    Templates templates(*data);
    simdjson::dom::parser parser;
    std::map<std::string, Count> counts;
    size_t n_lines = 0, n_different = 0;
    const auto compare = [&n_different](const std::string &by, simdjson::dom::element wanted,
                                        simdjson::dom::element given, const Result<std::string> &result) {
        const bool fails = wanted.is_null();
        if (fails ? !result : result && *result == string_of(wanted)) return;
        if (++n_different > 10) return;
        MESSAGE(by << "\n  of: " << simdjson::minify(given) << "\n  here: " << text_of(result)
                   << "\n  there: " << (fails ? "fails" : string_of(wanted)));
    };
    for (const simdjson::dom::element line :
         parser.load_many(other != nullptr ? other : (folder() / "random.jsonl").string(), size_t{1} << 24)) {
        const simdjson::dom::element wanted = line["output"];
        simdjson::dom::element context, request;
        ++n_lines;
        if (line["context"].get(context) == simdjson::SUCCESS) {
            const std::string name = string_of(line["template"]);
            compare(name, wanted, context, templates.render(name, context));
        }
        if (line["request"].get(request) != simdjson::SUCCESS) continue;
        const ChatFormat *format = find_chat_format(string_of(line["format"]));
        REQUIRE(format != nullptr);
        const auto prompt = render_by_format(*format, request);
        Count &count = counts[std::string(format->name)];
        count.rendered += wanted.is_null() ? 0 : 1;
        count.accepted += prompt ? 1 : 0;
        // A format may refuse what its template renders: where that would drop a part of the request.
        if (prompt || wanted.is_null()) compare(std::string(format->name), wanted, request, prompt);
    }
    CHECK(n_different == 0);
    CHECK(n_lines >= 100);
    for (const auto &one : counts) {
        const Count &count = one.second;
        if (count.rendered < 20) continue;
        INFO(one.first, ": of ", count.rendered, " accepted ", count.accepted);
        CHECK(count.accepted * 4 > count.rendered);
    }
}
