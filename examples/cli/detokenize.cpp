// hadal detokenize: token ids on standard input to text on standard output.
#include <charconv>
#include <hadal/hadal.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "command.h"
#include "json_text.h"
#include "output.h"

namespace command {
namespace {

struct DetokenizeArguments {
    std::string path;
    bool jsonl = false;
    hadal::DecodeOptions options;
};

/// One JSON array of ids a line in, one JSON string a line out; what is not UTF-8 becomes U+FFFD there.
void detokenize_lines(const hadal::Tokenizer &tokenizer, const hadal::DecodeOptions &options) {
    std::string line;
    for (size_t line_number = 1; std::getline(std::cin, line); ++line_number) {
        const auto fail = [&](const std::string &why) {
            throw std::runtime_error("standard input, line " + std::to_string(line_number) + ": " + why);
        };
        const auto value = parse_json<nlohmann::json>(line, "standard input, line " + std::to_string(line_number));
        if (!value.is_array()) fail("not a JSON array");
        std::vector<hadal::Token> ids;
        for (const auto &id : value) {
            if (!id.is_number_integer()) fail("item " + std::to_string(ids.size()) + " is no integer");
            const auto number = id.get<int64_t>();
            if (number < 0 || number > INT32_MAX) fail("the id " + id.dump() + " is no token's");
            ids.push_back(static_cast<hadal::Token>(number));
        }
        try {
            const nlohmann::json text = tokenizer.decode(ids, options);
            output().write(text.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
        } catch (const hadal::Error &error) {
            fail(error.what());
        }
    }
}

/// Ids separated by white space; their bytes, and nothing else.
void detokenize_ids(const hadal::Tokenizer &tokenizer, const hadal::DecodeOptions &options) {
    std::vector<hadal::Token> ids;
    for (std::string word; std::cin >> word;) {
        hadal::Token id = 0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), id);
        if (error != std::errc() || end != word.data() + word.size()) {
            throw std::runtime_error("standard input: '" + word.substr(0, 40) + "' is no token id");
        }
        ids.push_back(id);
    }
    output().write(tokenizer.decode(ids, options));
}

int detokenize(const DetokenizeArguments &arguments) {
    const hadal::Runtime runtime;
    const hadal::Tokenizer tokenizer = runtime.open_tokenizer(arguments.path);
    if (arguments.jsonl) {
        detokenize_lines(tokenizer, arguments.options);
    } else {
        detokenize_ids(tokenizer, arguments.options);
    }
    return kSuccess;
}

}  // namespace

Subcommand add_detokenize(CLI::App &parent) {
    CLI::App *app = parent.add_subcommand("detokenize", "Turn token ids on standard input into text");
    auto arguments = std::make_shared<DetokenizeArguments>();
    app->add_option("PATH", arguments->path,
                    "A .gguf file with a vocabulary, a folder with tokenizer.json, or that file")
        ->required();
    app->add_flag("--jsonl", arguments->jsonl, "One JSON array of ids a line in, one JSON string a line out");
    app->add_flag("--special", arguments->options.special, "Write special tokens as their text");
    return {app, [arguments] { return detokenize(*arguments); }};
}

}  // namespace command
