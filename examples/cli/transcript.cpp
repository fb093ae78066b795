#include "transcript.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <utility>

#include "json_text.h"
#include "text_file.h"

namespace command {

using Json = nlohmann::ordered_json;

Transcript::Transcript(std::string system, std::string thinking)
    : system_(std::move(system)), thinking_(std::move(thinking)) {
    reset();
}

void Transcript::reset() {
    messages_ = Json::array();
    if (!system_.empty()) messages_.push_back({{"role", "system"}, {"content", system_}});
}

void Transcript::add_user(const std::string &text) {
    messages_.push_back({{"role", "user"}, {"content", text}});
}

void Transcript::drop_newest() {
    messages_.erase(messages_.size() - 1);
}

void Transcript::add_answer(const std::string &reasoning, const std::string &content) {
    Json message = {{"role", "assistant"}, {"content", content}};
    if (!reasoning.empty()) message["reasoning_content"] = reasoning;
    messages_.push_back(std::move(message));
}

std::string Transcript::request() const {
    Json request = {{"messages", messages_}};
    if (!thinking_.empty()) request["thinking"] = thinking_ == "on";
    return request.dump();
}

void Transcript::save(const std::string &path) const {
    const std::string unfinished = path + ".unfinished";
    std::ofstream out(unfinished, std::ios::binary | std::ios::trunc);
    out << Json{{"messages", messages_}}.dump(2) << "\n";
    const bool is_written = static_cast<bool>(out.flush());
    out.close();
    // A transcript that was there is lost only once the new one is whole.
    if (!is_written || std::rename(unfinished.c_str(), path.c_str()) != 0) {
        const std::string why = std::strerror(errno);
        std::remove(unfinished.c_str());
        throw std::runtime_error(path + ": cannot be written: " + why);
    }
}

void Transcript::load(const std::string &path) {
    Json file = parse_json<Json>(read_text_file(path), path);
    if (file.is_object() && file.contains("messages")) file = Json(file["messages"]);
    const auto is_message = [](const Json &message) { return message.is_object() && message.contains("role"); };
    if (!file.is_array() || !std::all_of(file.begin(), file.end(), is_message)) {
        throw std::runtime_error(path + ": no transcript: not a list of messages, nor an object that has one");
    }
    messages_ = std::move(file);
}

}  // namespace command
