// hadal template: a conversation as the text a model gets.
#include <hadal/hadal.hpp>
#include <memory>
#include <string>

#include "chat_request.h"
#include "command.h"
#include "model_arguments.h"
#include "output.h"

namespace command {
namespace {

struct TemplateArguments {
    std::string path;
    ChatRequestArguments request;
};

int render(const TemplateArguments &arguments) {
    hadal::RuntimeOptions options;
    options.log = write_log;
    const hadal::Runtime runtime(options);
    output().write(runtime.open_chat_format(arguments.path).render(arguments.request.json(ObjectIs::context)));
    return kSuccess;
}

}  // namespace

Subcommand add_template(CLI::App &parent) {
    CLI::App *app = parent.add_subcommand("template", "Write a conversation as the text a model gets, byte for byte");
    auto arguments = std::make_shared<TemplateArguments>();
    app->add_option("PATH", arguments->path,
                    "A .gguf file, a folder with tokenizer_config.json, a .jinja file, or a format's name")
        ->required();
    arguments->request.add_to(*app);
    app->get_option("--messages")->required();
    return {app, [arguments] { return render(*arguments); }};
}

}  // namespace command
