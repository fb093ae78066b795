// A conversation as it is kept: messages, which /save writes and /load reads.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace command {

class Transcript {
public:
    /// system: "" for none. thinking: "", "on" or "off".
    Transcript(std::string system, std::string thinking);

    /// Forgets all but the system text.
    void reset();
    void add_user(const std::string &text);
    /// Takes the newest message back: its answer failed.
    void drop_newest();
    void add_answer(const std::string &reasoning, const std::string &content);

    /// JSON for the library's chat functions.
    std::string request() const;

    /// {"messages": [...]}. Both throw std::exception that names the file; a failed load changes nothing.
    void save(const std::string &path) const;
    void load(const std::string &path);
    size_t size() const { return messages_.size(); }

private:
    std::string system_, thinking_;
    nlohmann::ordered_json messages_;
};

}  // namespace command
