// hello [MODEL [PROMPT]]   streams up to 200 tokens of text; without a model, of the small one that comes with Hadal
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

enum class Mode { text, ids };

void hello(const std::string &path, const std::string &prompt, Mode mode) {
    hadal::Runtime runtime;
    hadal::Model model = runtime.open(path);

    hadal::EncodeOptions special;
    special.add_special = true;  // the begin-of-sequence token, if the vocabulary asks for it

    hadal::Session session = model.session();
    session.append(mode == Mode::ids ? read_ids(prompt) : model.tokenizer().encode(prompt, special));

    hadal::GenerateOptions options;
    options.max_tokens = 200;
    for (const hadal::Event &event : session.generate(options)) {
        if (mode == Mode::text) std::cout << event.text << std::flush;
        if (mode == Mode::ids && event.kind == hadal::EventKind::token) std::cout << event.token << ' ' << std::flush;
    }
    std::cout << '\n';
}

}  // namespace

int main(int argc, char **argv) {
    const bool as_ids = argc == 4 && std::string(argv[2]) == "--ids";
    if (argc > 3 && !as_ids) {
        std::cerr << "usage: " << argv[0] << " [MODEL [PROMPT]]\n       " << argv[0] << " MODEL --ids \"1 9\"\n";
        return 2;
    }
    try {
        if (as_ids) {
            hello(argv[1], argv[3], Mode::ids);
        } else {
            hello(argc < 2 ? hadal::sample_model_path() : argv[1], argc == 3 ? argv[2] : "", Mode::text);
        }
    } catch (const hadal::Error &error) {
        std::cerr << "hello: " << hadal::status_name(error.status()) << ": " << error.what() << '\n';
        return 1;
    }
}
