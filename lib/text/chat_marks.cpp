#include "text/chat_marks.h"

#include <vector>

#include "text/chat_json.h"
#include "text/code_points.h"

namespace hadal::core {
namespace {

/// Unassigned or not for interchange, one for each length of a code point in UTF-8; of ASCII, DEL.
constexpr std::string_view kMasks[] = {"", "\x7F", "\u0378", "\uFDD0", "\U0001FFFE"};

bool is_mask(std::string_view code_point) {
    return code_point == kMasks[code_point.size()];
}

class Masker {
public:
    Masker(const AddedTokens &marks, MaskedMessages messages) : marks_(marks), messages_(messages) {}

    Result<std::string> request(JsonObject root) {
        std::string out;
        HADAL_CHECK(object(root, Depth::request, out));
        return out;
    }
    bool found() const { return found_; }

private:
    enum class Depth { request, inside };

    Result<void> object(JsonObject object, Depth depth, std::string &out) {
        const bool stays =
            depth == Depth::inside && messages_ == MaskedMessages::all_but_assistants && role_of(object) == "assistant";
        out += '{';
        bool is_first = true;
        for (const auto [key, value] : object) {
            if (!is_first) out += ',';
            is_first = false;
            append_json_string(depth == Depth::request ? std::string(key) : masked(key), out);
            out += ':';
            if (stays || (depth == Depth::request && value.is_string())) {
                HADAL_CHECK(append_json(value, std::string(key), out));
            } else {
                HADAL_CHECK(any(value, out));
            }
        }
        out += '}';
        return {};
    }

    Result<void> any(JsonElement element, std::string &out) {
        if (JsonObject fields; element.get(fields) == simdjson::SUCCESS) return object(fields, Depth::inside, out);
        if (JsonArray items; element.get(items) == simdjson::SUCCESS) {
            out += '[';
            bool is_first = true;
            for (const JsonElement item : items) {
                if (!is_first) out += ',';
                is_first = false;
                HADAL_CHECK(any(item, out));
            }
            out += ']';
            return {};
        }
        std::string_view string;
        if (element.get(string) != simdjson::SUCCESS) return append_json(element, "the request", out);
        append_json_string(masked(string), out);
        return {};
    }

    static std::string_view role_of(JsonObject object) {
        std::string_view role;
        static_cast<void>(object.at_key("role").get(role) == simdjson::SUCCESS);
        return role;
    }

    std::string masked(std::string_view text) {
        std::vector<AddedTokens::Part> parts;
        marks_.split(text, SpecialText::parsed, parts);
        std::string out;
        for (const AddedTokens::Part &part : parts) {
            if (part.token < 0) {
                out += part.text;
                continue;
            }
            found_ = true;
            for (size_t i = 0; i < part.text.size(); i += code_point_bytes(part.text[i])) {
                out += kMasks[code_point_bytes(part.text[i])];
            }
        }
        return out;
    }

    const AddedTokens &marks_;
    const MaskedMessages messages_;
    bool found_ = false;
};

}  // namespace

Result<std::optional<std::string>> mask_marks(std::string_view request, const AddedTokens &marks,
                                              MaskedMessages messages) {
    HeaderMemory memory("chat request");
    HADAL_TRY(const JsonText json, JsonText::parse("chat request", request, memory));
    Masker masker(marks, messages);
    HADAL_TRY(std::string masked, masker.request(json.root()));
    if (!masker.found()) return std::optional<std::string>();
    return std::optional(std::move(masked));
}

std::optional<ChatPrompt> tell_content(std::string_view text, std::string_view masked) {
    if (text.size() != masked.size()) return std::nullopt;
    ChatPrompt prompt;
    size_t from = 0;  // of the segment that is being found
    bool in_content = false;
    for (size_t i = 0; i < text.size();) {
        const size_t n = code_point_bytes(text[i]);
        const bool differs = text.substr(i, n) != masked.substr(i, n);
        if (differs && !is_mask(masked.substr(i, n))) return std::nullopt;
        if (differs != in_content) {
            in_content ? prompt.content(text.substr(from, i - from)) : prompt.markup(text.substr(from, i - from));
            in_content = differs;
            from = i;
        }
        i += n;
    }
    in_content ? prompt.content(text.substr(from)) : prompt.markup(text.substr(from));
    return prompt;
}

}  // namespace hadal::core
