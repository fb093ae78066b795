// Chat formats, the prompts they write, and parsers of what models answer.
#include "text/chat_tokenizer.h"

#include "engine/generator.h"

#include "buffers.h"
#include "guard.h"
#include "handles.h"
#include "structs.h"

using namespace hadal;
using core::Result;

namespace {

/// A line in the log where the template has no place for a part of the request.
void warn(const hadal_chat_format &format, const core::ChatRendering &rendering) {
    if (rendering.left_out.empty()) return;
    format.runtime->log().write(core::LogLevel::warning, "the chat template names no ", rendering.left_out,
                                ": what the request says of it is not in the prompt");
}

}  // namespace

hadal_status hadal_chat_format_open(const hadal_runtime *runtime, const char *path_or_name, hadal_chat_format **out,
                                    hadal_error *err) {
    return capi::guard_create(out, err, [&]() -> Result<hadal_chat_format> {
        HADAL_CHECK(capi::require(runtime, "runtime"));
        HADAL_CHECK(capi::require(path_or_name, "path_or_name"));
        HADAL_TRY(auto codec, core::ChatCodec::open(path_or_name));
        return hadal_chat_format{runtime->runtime, std::move(codec)};
    });
}

hadal_status hadal_model_chat_format(const hadal_model *model, hadal_chat_format **out, hadal_error *err) {
    return capi::guard_create(out, err, [&]() -> Result<hadal_chat_format> {
        HADAL_CHECK(capi::require(model, "model"));
        HADAL_TRY(auto codec, Result(model->model->chat_codec()));
        return hadal_chat_format{model->model->shared_runtime(), std::move(codec)};
    });
}

void hadal_chat_format_release(hadal_chat_format *format) {
    delete format;
}

const char *hadal_chat_format_name(const hadal_chat_format *format) {
    return format == nullptr ? "" : format->codec->name();
}

hadal_status hadal_chat_render(const hadal_chat_format *format, const char *request, size_t len, char *buf, size_t cap,
                               size_t *out_len, hadal_error *err) {
    return capi::guard(err, [&]() -> Result<void> {
        HADAL_CHECK(capi::require(format, "format"));
        HADAL_CHECK(capi::require_array(request, len, "request"));
        HADAL_CHECK(capi::require_buffer(buf, cap, out_len, "out_len"));
        HADAL_TRY(const core::ChatRendering rendering, format->codec->render({request, len}, core::AddedTokens()));
        HADAL_CHECK(capi::copy_out(rendering.prompt.text(), buf, cap, out_len));
        warn(*format, rendering);
        return {};
    });
}

hadal_status hadal_chat_tokenize(const hadal_chat_format *format, const hadal_tokenizer *tokenizer, const char *request,
                                 size_t len, hadal_token *out, size_t cap, size_t *n, hadal_error *err) {
    return capi::guard(err, [&]() -> Result<void> {
        HADAL_CHECK(capi::require(format, "format"));
        HADAL_CHECK(capi::require(tokenizer, "tokenizer"));
        HADAL_CHECK(capi::require_array(request, len, "request"));
        HADAL_CHECK(capi::require_buffer(out, cap, n, "n"));
        HADAL_TRY(const auto chat_tokenizer, core::ChatTokenizer::create(tokenizer->tokenizer));
        HADAL_TRY(const core::ChatRendering rendering, format->codec->render({request, len}, chat_tokenizer.marks()));
        HADAL_TRY(const auto tokens, chat_tokenizer.tokenize(rendering.prompt));
        HADAL_CHECK(capi::copy_out(std::span<const hadal_token>(tokens), out, cap, n));
        warn(*format, rendering);
        return {};
    });
}

hadal_status hadal_chat_parser_create(const hadal_chat_format *format, const char *request, size_t len,
                                      hadal_chat_parser **out, hadal_error *err) {
    return capi::guard_create(out, err, [&]() -> Result<hadal_chat_parser> {
        HADAL_CHECK(capi::require(format, "format"));
        HADAL_CHECK(capi::require_array(request, len, "request"));
        if (request == nullptr) return hadal_chat_parser{format->codec->parser(), {}};
        HADAL_TRY(core::ChatParser parser, format->codec->parser({request, len}));
        return hadal_chat_parser{std::move(parser), {}};
    });
}

hadal_status hadal_chat_parser_push(hadal_chat_parser *parser, const char *bytes, size_t len, hadal_error *err) {
    return capi::guard(err, [&]() -> Result<void> {
        HADAL_CHECK(capi::require(parser, "parser"));
        HADAL_CHECK(capi::require_array(bytes, len, "bytes"));
        return parser->parser.push({bytes, len});
    });
}

hadal_status hadal_chat_parser_finish(hadal_chat_parser *parser, hadal_error *err) {
    return capi::guard(err, [&]() -> Result<void> {
        HADAL_CHECK(capi::require(parser, "parser"));
        parser->parser.finish();
        return {};
    });
}

hadal_status hadal_chat_parser_next(hadal_chat_parser *parser, hadal_event *out, hadal_error *err) {
    return capi::guard(err, [&]() -> Result<core::Status> {
        HADAL_CHECK(capi::require(parser, "parser"));
        HADAL_CHECK(capi::require(out, "out"));
        HADAL_CHECK(capi::check_struct(out));
        while (auto next = parser->parser.next()) {
            hadal_event event = {};
            const auto kind = core::kind_of(next->kind);
            if (!kind) continue;
            event.kind = static_cast<int32_t>(*kind);
            parser->text = std::move(next->text);
            event.token = -1;
            if (event.kind == HADAL_EVENT_STOP) event.stop_reason = HADAL_STOP_MARK;
            event.text = parser->text.c_str();
            event.text_length = parser->text.size();
            event.call_index = static_cast<uint32_t>(next->call_i);
            event.flags = next->is_malformed ? HADAL_EVENT_MALFORMED : 0;
            capi::write_struct(event, out);
            return core::Status::ok;
        }
        return core::Status::done;
    });
}

void hadal_chat_parser_release(hadal_chat_parser *parser) {
    delete parser;
}
