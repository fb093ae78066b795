#include "transcript.h"

#include <fstream>
#include <stdexcept>
#include <utility>

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
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << Json{{"messages", messages_}}.dump(2) << "\n";
    if (!out.flush()) throw std::runtime_error(path + ": cannot be written");
}

void Transcript::load(const std::string &path) {
    constexpr bool kThrow = false;
    Json file = Json::parse(read_text_file(path), nullptr, kThrow);
    if (file.is_object() && file.contains("messages")) file = Json(file["messages"]);
    if (!file.is_array())
        throw std::runtime_error(path + ": no transcript: neither messages nor an object that has them");
    messages_ = std::move(file);
}

}  // namespace command
