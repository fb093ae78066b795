// hello MODEL [PROMPT]     streams up to 200 tokens of text
// hello MODEL --ids "1 9"  starts from token ids and prints ids, for a model without a tokenizer
#include <hadal/hadal.hpp>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace {

std::vector<hadal::Token> read_ids(const std::string &text) {
    std::istringstream in(text);
    std::vector<hadal::Token> ids;
    for (hadal::Token id; in >> id;) ids.push_back(id);
    return ids;
}

void hello(const std::string &path, const std::string &text, bool as_ids) {
    hadal::Runtime runtime;
    hadal::Model model = runtime.open(path);

    hadal::EncodeOptions prompt;
    prompt.add_special = true;  // the begin-of-sequence token, if the vocabulary asks for it

    hadal::Session session = model.session();
    session.append(as_ids ? read_ids(text) : model.tokenizer().encode(text, prompt));

    hadal::GenerateOptions options;
    options.max_tokens = 200;
    for (const hadal::Event &event : session.generate(options)) {
        if (!as_ids) std::cout << event.text << std::flush;
        if (as_ids && event.kind == hadal::EventKind::token) std::cout << event.token << ' ' << std::flush;
    }
    std::cout << '\n';
}

}  // namespace

int main(int argc, char **argv) {
    const bool as_ids = argc == 4 && std::string(argv[2]) == "--ids";
    if (argc != 2 && argc != 3 && !as_ids) {
        std::cerr << "usage: " << argv[0] << " MODEL [PROMPT]\n       " << argv[0] << " MODEL --ids \"1 9\"\n";
        return 2;
    }
    try {
        hello(argv[1], as_ids ? argv[3] : argc == 3 ? argv[2] : "", as_ids);
    } catch (const hadal::Error &error) {
        std::cerr << "hello: " << hadal::status_name(error.status()) << ": " << error.what() << '\n';
        return 1;
    }
}
