// JSON of strangers: as deep as the library reads it, and not deeper, for nlohmann's writer calls itself.
#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace command {

/// Throws std::runtime_error: what, and what is wrong.
template <class Json>
Json parse_json(const std::string &text, const std::string &what) {
    constexpr int kMaxDepth = 64;
    const auto check_depth = [&](int depth, typename Json::parse_event_t, Json &) {
        if (depth > kMaxDepth) throw std::runtime_error(what + ": nested more than 64 deep");
        return true;
    };
    try {
        return Json::parse(text, check_depth);
    } catch (const typename Json::parse_error &error) {
        throw std::runtime_error(what + ": " + error.what());
    }
}

}  // namespace command
