#include "text/chat_marks.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "text/chat_families.h"
#include "text/chat_json.h"
#include "text/code_points.h"

namespace hadal::core {
namespace {

/// Signs that no filter changes: they have no case, are no space, and are printed as they are.
constexpr std::string_view kMasks[] = {"~",      "^",      "`",      "@",      "\u00A4",     "\u00A7",
                                       "\u00B1", "\u2021", "\u203B", "\u2042", "\U0001D11E", "\U0001D122"};

using Ends = std::set<std::string, std::less<>>;

class Masker {
public:
    Masker(const Ends &ends, const std::string_view *masks, ChatMarks::Kept kept)
        : ends_(ends), masks_(masks), kept_(kept) {}

    Result<std::string> request(JsonObject root) {
        std::string out = "{";
        for (const auto [key, value] : root) {
            if (out.size() > 1) out += ',';
            append_json_string(key, out);
            out += ':';
            if (std::string_view own; value.get(own) == simdjson::SUCCESS) {
                append_json_string(own, out);
            } else if (JsonArray items; key == "messages" && value.get(items) == simdjson::SUCCESS) {
                HADAL_CHECK(messages(items, out));
            } else {
                HADAL_CHECK(any(value, out));
            }
        }
        return out + '}';
    }
    bool found() const { return found_; }

private:
    Result<void> messages(JsonArray items, std::string &out) {
        out += '[';
        bool is_first = true;
        for (const JsonElement item : items) {
            if (!std::exchange(is_first, false)) out += ',';
            keeps_marks_ = kept_ == ChatMarks::Kept::reasoning_marks && is_assistant(item);
            HADAL_CHECK(any(item, out));
            keeps_marks_ = false;
        }
        out += ']';
        return {};
    }

    static bool is_assistant(JsonElement message) {
        std::string_view role;
        JsonObject fields;
        return message.get(fields) == simdjson::SUCCESS && fields.at_key("role").get(role) == simdjson::SUCCESS &&
               role == "assistant";
    }

    Result<void> any(JsonElement element, std::string &out) {
        if (JsonObject fields; element.get(fields) == simdjson::SUCCESS) {
            out += '{';
            bool is_first = true;
            for (const auto [key, value] : fields) {
                if (!std::exchange(is_first, false)) out += ',';
                append_json_string(masked(key), out);
                out += ':';
                HADAL_CHECK(any(value, out));
            }
            out += '}';
            return {};
        }
        if (JsonArray items; element.get(items) == simdjson::SUCCESS) {
            out += '[';
            bool is_first = true;
            for (const JsonElement item : items) {
                if (!std::exchange(is_first, false)) out += ',';
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

    std::string masked(std::string_view text) {
        std::string out;
        for (size_t at = 0; at < text.size();) {
            const std::string_view rest = text.substr(at);
            if (const size_t n = kept_bytes(rest); n > 0) {
                out += rest.substr(0, n);
                at += n;
                continue;
            }
            const std::string_view code_point = rest.substr(0, code_point_bytes(rest[0]));
            const bool is_end = ends_.contains(code_point);
            out += is_end ? masks_[code_point.size()] : code_point;
            found_ |= is_end;
            at += code_point.size();
        }
        return out;
    }

    size_t kept_bytes(std::string_view text) const {
        if (!keeps_marks_) return 0;
        for (const std::string_view mark : {kThinkOpen, kThinkClose}) {
            if (text.starts_with(mark)) return mark.size();
        }
        return 0;
    }

    const Ends &ends_;
    const std::string_view *masks_;  ///< by length
    const ChatMarks::Kept kept_;
    bool keeps_marks_ = false;  ///< in an assistant's message
    bool found_ = false;
};

}  // namespace

ChatMarks::ChatMarks(const AddedTokens &marks) : marks_(marks) {
    for (const AddedToken &mark : marks.tokens()) {
        size_t last = mark.text.size() - 1;
        while ((static_cast<unsigned char>(mark.text[last]) & 0xC0u) == 0x80) --last;
        ends_.insert(mark.text.substr(0, code_point_bytes(mark.text[0])));
        ends_.insert(mark.text.substr(last));
    }
    for (const std::string_view mask : kMasks) {
        if (masks_[mask.size()].empty() && !ends_.contains(mask)) masks_[mask.size()] = mask;
    }
}

Result<std::optional<std::string>> ChatMarks::mask(std::string_view request, Kept kept) const {
    HeaderMemory memory("chat request");
    auto json = JsonText::parse("chat request", request, memory);
    if (!json && json.error().status == Status::bad_format) json.error().status = Status::invalid_argument;
    if (!json) return std::move(json.error());
    Masker masker(ends_, masks_, kept);
    HADAL_TRY(std::string masked, masker.request(json->root()));
    if (!masker.found()) return std::optional<std::string>();
    return std::optional(std::move(masked));
}

std::optional<ChatPrompt> ChatMarks::tell(std::string_view text, std::string_view masked) const {
    if (text.size() != masked.size()) return std::nullopt;
    std::vector<size_t> lost;  // offsets of characters that differ
    for (size_t at = 0; at < text.size();) {
        const size_t n = code_point_bytes(text[at]);
        const std::string_view here = text.substr(at, n), there = masked.substr(at, n);
        if (here != there) {
            if (there != masks_[n] || !ends_.contains(here)) return std::nullopt;
            lost.push_back(at);
        }
        at += n;
    }
    std::vector<AddedTokens::Part> parts;
    marks_.split(text, SpecialText::parsed, parts);
    ChatPrompt prompt;
    for (const AddedTokens::Part &part : parts) {
        const auto begin = static_cast<size_t>(part.text.data() - text.data());
        const auto first = std::lower_bound(lost.begin(), lost.end(), begin);
        const bool is_touched = first != lost.end() && *first < begin + part.text.size();
        part.token >= 0 && is_touched ? prompt.content(part.text) : prompt.markup(part.text);
    }
    return prompt;
}

}  // namespace hadal::core
