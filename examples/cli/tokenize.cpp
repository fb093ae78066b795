// hadal tokenize: text on standard input to token ids on standard output.
#include <hadal/hadal.hpp>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "command.h"
#include "output.h"

namespace command {
namespace {

struct TokenizeArguments {
    std::string path;
    bool jsonl = false, bos = false, special = false;
};

class Encoder {
public:
    Encoder(const TokenizeArguments &arguments, const hadal::Tokenizer &tokenizer)
        : arguments_(arguments), tokenizer_(tokenizer) {}

    std::vector<hadal::Token> operator()(const std::string &text) const {
        hadal::EncodeOptions options;
        options.parse_special = arguments_.special;
        std::vector<hadal::Token> ids = tokenizer_.encode(text, options);
        if (!arguments_.bos) return ids;
        const auto bos = tokenizer_.special(hadal::Special::bos);
        if (!bos) throw std::runtime_error("--bos: the vocabulary has no token that begins a text");
        ids.insert(ids.begin(), *bos);
        return ids;
    }

private:
    const TokenizeArguments &arguments_;
    const hadal::Tokenizer &tokenizer_;
};

/// One JSON string a line in, one JSON array of ids a line out.
void tokenize_lines(const Encoder &encode) {
    std::string line;
    for (size_t line_number = 1; std::getline(std::cin, line); ++line_number) {
        const auto fail = [&](const std::string &why) {
            throw std::runtime_error("standard input, line " + std::to_string(line_number) + ": " + why);
        };
        constexpr bool kThrow = false;
        const auto value = nlohmann::json::parse(line, nullptr, kThrow);
        if (!value.is_string()) fail("not a JSON string");
        try {
            output().write(nlohmann::json(encode(value.get<std::string>())).dump() + "\n");
        } catch (const hadal::Error &error) {
            fail(error.what());
        }
    }
}

/// All of it is one text; its ids on one line.
void tokenize_text(const Encoder &encode) {
    const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
    std::string out;
    for (const hadal::Token id : encode(text)) out += (out.empty() ? "" : " ") + std::to_string(id);
    output().write(out + "\n");
}

int tokenize(const TokenizeArguments &arguments) {
    const hadal::Runtime runtime;
    const hadal::Tokenizer tokenizer = runtime.open_tokenizer(arguments.path);
    const Encoder encode(arguments, tokenizer);
    if (arguments.jsonl) {
        tokenize_lines(encode);
    } else {
        tokenize_text(encode);
    }
    return kSuccess;
}

}  // namespace

Subcommand add_tokenize(CLI::App &parent) {
    CLI::App *app = parent.add_subcommand("tokenize", "Turn text on standard input into token ids");
    auto arguments = std::make_shared<TokenizeArguments>();
    app->add_option("PATH", arguments->path,
                    "A .gguf file with a vocabulary, a folder with tokenizer.json, or that file")
        ->required();
    app->add_flag("--jsonl", arguments->jsonl, "One JSON string a line in, one JSON array of ids a line out");
    app->add_flag("--bos", arguments->bos, "Begin with the token that begins a text");
    app->add_flag("--special", arguments->special,
                  "Special tokens in the text are tokens; never for text of strangers");
    return {app, [arguments] { return tokenize(*arguments); }};
}

}  // namespace command
