// hadal parse: a model's answer on standard input to events on standard output.
#include <unistd.h>

#include <array>
#include <cerrno>
#include <hadal/hadal.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>

#include "chat_request.h"
#include "command.h"
#include "model_arguments.h"
#include "output.h"

namespace command {
namespace {

struct ParseArguments {
    std::string format;
    ChatRequestArguments request;
};

const char *name_of(hadal::EventKind kind) {
    switch (kind) {
        case hadal::EventKind::reasoning:
            return "reasoning";
        case hadal::EventKind::content:
            return "content";
        case hadal::EventKind::tool_call_begin:
            return "tool_call_begin";
        case hadal::EventKind::tool_call_arguments:
            return "tool_call_arguments";
        case hadal::EventKind::tool_call_end:
            return "tool_call_end";
        case hadal::EventKind::stop:
            return "stop";
        default:
            return nullptr;
    }
}

/// One JSON object a line.
void print_events(hadal::ChatParser &parser) {
    while (const auto event = parser.next()) {
        const char *name = name_of(event->kind);
        if (name == nullptr) continue;
        nlohmann::ordered_json line = {{"event", name}};
        const bool is_call = event->kind == hadal::EventKind::tool_call_begin ||
                             event->kind == hadal::EventKind::tool_call_arguments ||
                             event->kind == hadal::EventKind::tool_call_end;
        if (is_call) line["call"] = event->call_index;
        if (!event->text.empty()) {
            line[event->kind == hadal::EventKind::tool_call_begin ? "name" : "text"] = std::string(event->text);
        }
        if (event->malformed) line["malformed"] = true;
        output().write(line.dump() + "\n");
    }
}

int parse(const ParseArguments &arguments) {
    hadal::RuntimeOptions options;
    options.log = write_log;
    const hadal::Runtime runtime(options);
    const hadal::ChatFormat format = runtime.open_chat_format(arguments.format);
    const ChatRequestArguments &request = arguments.request;
    const bool is_any = request.messages_file.empty() && request.tools_file.empty() && request.thinking.empty();
    hadal::ChatParser parser = is_any ? format.parser() : format.parser(request.json(ObjectIs::request));
    std::array<char, 65536> piece;
    for (;;) {
        const ssize_t n = read(STDIN_FILENO, piece.data(), piece.size());  // what is there, as it comes
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw std::system_error(errno, std::generic_category(), "standard input");
        if (n == 0) break;
        parser.push({piece.data(), static_cast<size_t>(n)});
        print_events(parser);
    }
    parser.finish();
    print_events(parser);
    return kSuccess;
}

}  // namespace

Subcommand add_parse(CLI::App &parent) {
    CLI::App *app = parent.add_subcommand("parse", "Read a model's answer on standard input: events, one JSON a line");
    auto arguments = std::make_shared<ParseArguments>();
    app->add_option("--format", arguments->format, "A format's name, or where its template is, as for hadal template")
        ->required();
    arguments->request.add_to(*app);
    return {app, [arguments] { return parse(*arguments); }};
}

}  // namespace command
