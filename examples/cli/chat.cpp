// hadal chat: a conversation, a line a turn.
#include <unistd.h>

#include <cstdio>
#include <hadal/hadal.hpp>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "answer_printer.h"
#include "command.h"
#include "interrupt.h"
#include "model_arguments.h"
#include "output.h"
#include "progress_bar.h"
#include "sampling_arguments.h"
#include "transcript.h"

namespace command {
namespace {

struct ChatArguments {
    ModelArguments model;
    std::string format;  ///< "": the model's own
    std::string system, thinking;
    hadal::SessionOptions session;
    hadal::GenerateOptions generate;
};

constexpr const char *kHelp =
    "/help         this\n"
    "/reset        forget the conversation\n"
    "/save FILE    write it as JSON\n"
    "/load FILE    go on with one that was saved\n"
    "Ctrl-C ends an answer, Ctrl-D the program.\n";

class Chat {
public:
    Chat(const ChatArguments &arguments, const hadal::Runtime &runtime, const hadal::Model &model)
        : arguments_(arguments),
          tokenizer_(model.tokenizer()),
          format_(arguments.format.empty() ? model.chat_format() : runtime.open_chat_format(arguments.format)),
          session_(model.session(arguments.session)),
          transcript_(arguments.system, arguments.thinking) {}

    /// false: the answer was interrupted.
    bool answer(const std::string &text) {
        transcript_.add_user(text);
        try {
            return generate();
        } catch (...) {
            transcript_.drop_newest();
            throw;
        }
    }

    /// /help and so on. false: the line is none of them.
    bool obey(const std::string &line) {
        const size_t space = line.find(' ');
        const std::string word = line.substr(0, space);
        const std::string rest = space == std::string::npos ? "" : line.substr(space + 1);
        if (word == "/help") {
            std::fputs(kHelp, stderr);
        } else if (word == "/reset") {
            transcript_.reset();
        } else if (word == "/save" || word == "/load") {
            if (rest.empty()) throw std::runtime_error(word + " needs the name of a file");
            word == "/save" ? transcript_.save(rest) : transcript_.load(rest);
            std::fprintf(stderr, "%s: %zu messages\n", rest.c_str(), transcript_.size());
        } else {
            return false;
        }
        return true;
    }

private:
    bool generate() {
        const std::string request = transcript_.request();
        session_.sync(format_.tokenize(tokenizer_, request));
        const hadal::ChatParser parser = format_.parser(request);
        const Interrupt interrupt;
        ProgressBar bar("prompt");
        hadal::GenerateOptions options = arguments_.generate;
        options.parser = &parser;
        options.cancel = interrupt.cancel();
        options.progress = bar.progress();
        hadal::Generator generator = session_.generate(options);
        AnswerPrinter printer;
        bool is_whole = true;
        for (;;) {
            auto event = generator.try_next();
            bar.wipe();
            is_whole = event || event.error().status() != hadal::Status::cancelled;
            if (!event && is_whole) {
                printer.end();
                throw event.error();
            }
            if (!event || !*event) break;
            printer.print(**event);
        }
        printer.end();
        transcript_.add_answer(printer.reasoning(), printer.content());
        return is_whole;
    }

    const ChatArguments &arguments_;
    hadal::Tokenizer tokenizer_;
    hadal::ChatFormat format_;
    hadal::Session session_;
    Transcript transcript_;
};

enum class Speaker { person, script };

/// A person has commands, and his mistakes end nothing; what a script writes is said to the model, and its do.
int talk(Chat &chat, Speaker speaker) {
    const bool with_person = speaker == Speaker::person;
    for (std::string line;;) {
        if (with_person) std::fputs("> ", stderr);
        if (!std::getline(std::cin, line)) break;
        if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
        try {
            if (with_person && chat.obey(line)) continue;
            if (!chat.answer(line) && !with_person) return interrupted_exit_code();
        } catch (const OutputClosed &) {
            throw;
        } catch (const std::exception &error) {
            if (!with_person) throw;
            std::fprintf(stderr, "hadal: %s\n", error.what());
        }
    }
    if (with_person) std::fputs("\n", stderr);
    return kSuccess;
}

int chat(const ChatArguments &arguments) {
    const hadal::Runtime runtime = arguments.model.make_runtime();
    const hadal::Model model = [&] {
        const Interrupt interrupt;
        return arguments.model.open(runtime, interrupt);
    }();
    Chat chat(arguments, runtime, model);
    if (isatty(STDIN_FILENO) == 0) return talk(chat, Speaker::script);
    std::fputs("/help says what there is.\n", stderr);
    return talk(chat, Speaker::person);
}

}  // namespace

Subcommand add_chat(CLI::App &parent) {
    CLI::App *app = parent.add_subcommand("chat", "Talk to a model: a line is a turn");
    auto arguments = std::make_shared<ChatArguments>();
    arguments->model.add_to(*app, ModelArguments::Model::plankton);
    app->add_option("--format", arguments->format,
                    "A chat format's name, or where its template is; else the model's own");
    app->add_option("--system", arguments->system, "What the model is told before the conversation");
    app->add_option("--thinking", arguments->thinking, "Whether answers begin with reasoning")
        ->check(CLI::IsMember({"on", "off"}));
    app->add_option("-n", arguments->generate.max_tokens, "Most tokens of one answer; 0: until it ends");
    add_sampling(*app, arguments->generate.sampling);
    app->add_option("--context", arguments->session.context, "Most tokens of the conversation; 0: the model's");
    return {app, [arguments] { return chat(*arguments); }};
}

}  // namespace command
