// Text: tokenizers, chat formats, and the events of answers. Everything here works without weights.
#ifndef HADAL_FACADE_TEXT_HPP
#define HADAL_FACADE_TEXT_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hadal/facade/core.hpp"

namespace hadal {

// ---- Tokenizer ------------------------------------------------------------------------------------------------------

enum class Special : int32_t {
    bos = HADAL_SPECIAL_BOS,
    eos = HADAL_SPECIAL_EOS,
    unknown = HADAL_SPECIAL_UNKNOWN,
    padding = HADAL_SPECIAL_PADDING,
};

struct EncodeOptions {
    bool add_special = false;      ///< BOS and EOS as the vocabulary asks
    bool parse_special = false;    ///< special tokens in the text are tokens; never for user text
    bool replace_invalid = false;  ///< what is not UTF-8 becomes U+FFFD instead of an error
};

struct DecodeOptions {
    bool special = false;  ///< write special tokens as their text
};

/// Tokens to whole UTF-8 code points, one by one.
class Decoder : public detail::Owner<hadal_decoder, hadal_decoder_release> {
public:
    using Owner::Owner;

    /// Valid until the next call.
    std::string_view push(Token token) { return try_push(token).value(); }
    Result<std::string_view> try_push(Token token) {
        const char *text = nullptr;
        size_t length = 0;
        auto result = detail::run(hadal_decoder_push, get(), token, &text, &length);
        if (!result) return result.error();
        return std::string_view(text, length);
    }

    /// The end of the stream: an unfinished code point comes out as U+FFFD.
    std::string_view finish() { return push(-1); }
    Result<std::string_view> try_finish() { return try_push(-1); }
};

class Tokenizer : public detail::Owner<hadal_tokenizer, hadal_tokenizer_release> {
public:
    using Owner::Owner;

    size_t size() const { return hadal_tokenizer_size(get()); }

    std::vector<Token> encode(std::string_view text, EncodeOptions options = {}) const {
        return try_encode(text, options).value();
    }
    Result<std::vector<Token>> try_encode(std::string_view text, EncodeOptions options = {}) const {
        uint32_t flags = 0;
        if (options.add_special) flags |= HADAL_ENCODE_ADD_SPECIAL;
        if (options.parse_special) flags |= HADAL_ENCODE_PARSE_SPECIAL;
        if (options.replace_invalid) flags |= HADAL_ENCODE_REPLACE_INVALID;
        // Most tokens are longer than one byte, so that the first call nearly always has room.
        return detail::read<std::vector<Token>>(text.size() + 2, hadal_tokenizer_encode, get(), text.data(),
                                                text.size(), flags);
    }

    /// Bytes that may end inside a code point.
    std::string decode(Tokens tokens, DecodeOptions options = {}) const { return try_decode(tokens, options).value(); }
    Result<std::string> try_decode(Tokens tokens, DecodeOptions options = {}) const {
        const uint32_t flags = options.special ? uint32_t{HADAL_DECODE_SPECIAL} : 0;
        return detail::read<std::string>(tokens.size() * 8, hadal_tokenizer_decode, get(), tokens.data(), tokens.size(),
                                         flags);
    }

    std::string token_bytes(Token token) const { return try_token_bytes(token).value(); }
    Result<std::string> try_token_bytes(Token token) const {
        return detail::read<std::string>(16, hadal_tokenizer_token_bytes, get(), token);
    }

    /// nullopt: the vocabulary has none.
    std::optional<Token> special(Special which) const {
        const Token token = hadal_tokenizer_special(get(), static_cast<int32_t>(which));
        return token < 0 ? std::nullopt : std::optional<Token>(token);
    }

    Decoder decoder() const { return try_decoder().value(); }
    Result<Decoder> try_decoder() const { return detail::create<Decoder>(hadal_decoder_create, get()); }
};

// ---- Events ---------------------------------------------------------------------------------------------------------

/// Later releases add kinds and reasons: skip those you do not know.
enum class EventKind : int32_t {
    token = HADAL_EVENT_TOKEN,
    stop = HADAL_EVENT_STOP,
    reasoning = HADAL_EVENT_REASONING,
    content = HADAL_EVENT_CONTENT,
    tool_call_begin = HADAL_EVENT_TOOL_CALL_BEGIN,
    tool_call_arguments = HADAL_EVENT_TOOL_CALL_ARGUMENTS,
    tool_call_end = HADAL_EVENT_TOOL_CALL_END,
};
enum class StopReason : int32_t {
    none = 0,
    eos = HADAL_STOP_EOS,
    token = HADAL_STOP_TOKEN,
    string = HADAL_STOP_STRING,
    max_tokens = HADAL_STOP_MAX_TOKENS,
    context = HADAL_STOP_CONTEXT,
    mark = HADAL_STOP_MARK,
};

struct Event {
    EventKind kind;
    Token token;  ///< -1: none
    StopReason stop_reason;
    std::string_view text;  ///< valid until the next call on what gave it
    uint32_t call_index;    ///< of the tool_call_ kinds
    bool malformed;         ///< breaks the chat format's rules
};

namespace detail {

/// nullopt: the status says that there is none.
inline Result<std::optional<Event>> event_of(Result<Status> status, const hadal_event &event) {
    if (!status) return status.error();
    if (*status == Status::done) return std::optional<Event>();
    return std::optional<Event>(Event{
        static_cast<EventKind>(event.kind), event.token, static_cast<StopReason>(event.stop_reason),
        std::string_view(event.text, event.text_length), event.call_index, (event.flags & HADAL_EVENT_MALFORMED) != 0});
}

}  // namespace detail

// ---- Chat -----------------------------------------------------------------------------------------------------------

/// Reads an answer while it comes.
class ChatParser : public detail::Owner<hadal_chat_parser, hadal_chat_parser_release> {
public:
    using Owner::Owner;

    /// The next bytes, special tokens written as their text.
    void push(std::string_view bytes) { try_push(bytes).value(); }
    Result<void> try_push(std::string_view bytes) {
        return detail::run(hadal_chat_parser_push, get(), bytes.data(), bytes.size());
    }

    void finish() { try_finish().value(); }
    Result<void> try_finish() { return detail::run(hadal_chat_parser_finish, get()); }

    /// nullopt: none is ready.
    std::optional<Event> next() { return try_next().value(); }
    Result<std::optional<Event>> try_next() {
        auto event = detail::sized<hadal_event>();
        return detail::event_of(detail::call(hadal_chat_parser_next, get(), &event), event);
    }
};

/// How one model's conversations are written, and its answers read. Requests are JSON, as hadal.h describes them.
class ChatFormat : public detail::Owner<hadal_chat_format, hadal_chat_format_release> {
public:
    using Owner::Owner;

    /// Of the format built in, or "template".
    const char *name() const { return hadal_chat_format_name(get()); }

    std::string render(std::string_view request) const { return try_render(request).value(); }
    Result<std::string> try_render(std::string_view request) const {
        return detail::read<std::string>(request.size() + 256, hadal_chat_render, get(), request.data(),
                                         request.size());
    }

    /// Special tokens come from the format only, never from what the request says.
    std::vector<Token> tokenize(const Tokenizer &tokenizer, std::string_view request) const {
        return try_tokenize(tokenizer, request).value();
    }
    Result<std::vector<Token>> try_tokenize(const Tokenizer &tokenizer, std::string_view request) const {
        return detail::read<std::vector<Token>>(request.size() + 16, hadal_chat_tokenize, get(),
                                                static_cast<const hadal_tokenizer *>(tokenizer.get()), request.data(),
                                                request.size());
    }

    /// Of the answer to this request; without one, to a message of a user, with tools.
    ChatParser parser(std::string_view request) const { return try_parser(request).value(); }
    ChatParser parser() const { return parser({}); }
    Result<ChatParser> try_parser(std::string_view request = {}) const {
        return detail::create<ChatParser>(hadal_chat_parser_create, get(), request.data(), request.size());
    }
};

}  // namespace hadal

#endif
