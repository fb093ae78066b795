#include "chat_request.h"

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "json_text.h"
#include "text_file.h"

namespace command {
namespace {

using Json = nlohmann::ordered_json;  // templates see members in the file's order

Json read_json_file(const std::string &path) {
    return parse_json<Json>(read_text_file(path), path);
}

Json read_request(const std::string &path, ObjectIs object) {
    Json file = read_json_file(path);
    if (file.is_array()) return {{"messages", std::move(file)}};
    if (!file.is_object()) throw std::runtime_error(path + ": neither a list of messages nor an object");
    const bool says = file.contains("add_generation_prompt");
    if (object == ObjectIs::context && !says) file["add_generation_prompt"] = false;
    return file;
}

}  // namespace

void ChatRequestArguments::add_to(CLI::App &app) {
    app.add_option("--messages", messages_file,
                   "JSON: a list of messages, or an object whose members are the request (messages, tools, ...)");
    app.add_option("--tools", tools_file, "JSON: a list of tools the model may call");
    app.add_option("--thinking", thinking, "Whether the answer begins with reasoning; not given: as the format does")
        ->check(CLI::IsMember({"on", "off"}));
}

std::string ChatRequestArguments::json(ObjectIs object) const {
    Json request;
    if (messages_file.empty()) {
        request["messages"] = Json::array({{{"role", "user"}, {"content", ""}}});
    } else {
        request = read_request(messages_file, object);
    }
    if (!tools_file.empty()) {
        request["tools"] = read_json_file(tools_file);
        if (!request["tools"].is_array()) throw std::runtime_error(tools_file + ": not a list of tools");
    }
    if (!thinking.empty()) request["thinking"] = thinking == "on";
    return request.dump();
}

}  // namespace command
