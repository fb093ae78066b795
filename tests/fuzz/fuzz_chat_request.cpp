// Chat requests of any bytes: refused with a sentence, or rendered by every format, as UTF-8 in segments of two kinds
// by turns, or refused by it. What is read of arguments is a JSON object. A libFuzzer target: compile this file,
// lib/text/chat_*.cpp but for chat_tokenizer.cpp, lib/format/json.cpp and lib/base with
// clang++ -DHADAL_FUZZ_CHAT_REQUEST -fsanitize=fuzzer,address,undefined. The requests of
// tests/unit/text/chat_goldens/goldens.jsonl are a good beginning.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/utf8.h"
#include "text/chat_format.h"
#include "text/chat_json.h"
#include "text/chat_parser.h"

#ifdef HADAL_FUZZ_CHAT_REQUEST
namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    using namespace hadal::core;
    const auto request = parse_chat_request(std::string_view(reinterpret_cast<const char *>(data), size));
    if (!request) {
        require(!request.error().message.empty() && !utf8_error_offset(request.error().message));
        return 0;
    }
    for (const ChatMessage &message : request->messages) {
        for (const ChatToolCall &call : message.tool_calls) {
            HeaderMemory memory("arguments");
            const std::string json = call.arguments_json();
            require(static_cast<bool>(JsonText::parse("arguments", json, memory)));
            require(!call.name.empty() && !utf8_error_offset(call.name) && !utf8_error_offset(json));
        }
    }
    for (const ChatFormat *format : chat_formats()) {
        const auto prompt = render_chat(*format, *request);
        require(prompt ? !utf8_error_offset(prompt->text()) : !utf8_error_offset(prompt.error().message));
        if (!prompt) continue;
        for (size_t i = 0; i < prompt->segments().size(); ++i) {
            const ChatSegment &segment = prompt->segments()[i];
            require(!segment.text.empty() && (i == 0 || segment.kind != prompt->segments()[i - 1].kind));
        }
        ChatParser parser(format->grammar, AnswerStart::of(*request, *prompt));  // its own words, read back
        require(static_cast<bool>(parser.push(prompt->text())));
        parser.finish();
    }
    return 0;
}
#endif
