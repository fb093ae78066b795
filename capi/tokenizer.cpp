// Tokenizers and decoders.
#include "buffers.h"
#include "guard.h"
#include "handles.h"

using namespace hadal;
using core::Result;

namespace {

constexpr int64_t kEncodeFlags = HADAL_ENCODE_ADD_SPECIAL | HADAL_ENCODE_PARSE_SPECIAL | HADAL_ENCODE_REPLACE_INVALID;

}  // namespace

hadal_status hadal_tokenizer_open(const hadal_runtime *runtime, const char *path, hadal_tokenizer **out,
                                  hadal_error *err) {
    return capi::guard_create(out, err, [&]() -> Result<hadal_tokenizer> {
        HADAL_CHECK(capi::require(runtime, "runtime"));
        HADAL_CHECK(capi::require(path, "path"));
        HADAL_TRY(auto tokenizer, core::Tokenizer::open(std::string(path)));
        return hadal_tokenizer{std::move(tokenizer)};
    });
}

hadal_status hadal_model_tokenizer(const hadal_model *model, hadal_tokenizer **out, hadal_error *err) {
    return capi::guard_create(out, err, [&]() -> Result<hadal_tokenizer> {
        HADAL_CHECK(capi::require(model, "model"));
        HADAL_TRY(auto tokenizer, model->model->tokenizer());
        return hadal_tokenizer{std::move(tokenizer)};
    });
}

void hadal_tokenizer_release(hadal_tokenizer *tokenizer) {
    delete tokenizer;
}

size_t hadal_tokenizer_size(const hadal_tokenizer *tokenizer) {
    return tokenizer == nullptr ? 0 : tokenizer->tokenizer->size();
}

hadal_status hadal_tokenizer_encode(const hadal_tokenizer *tokenizer, const char *text, size_t len, uint32_t flags,
                                    hadal_token *out, size_t cap, size_t *n, hadal_error *err) {
    return capi::guard(err, [&]() -> Result<void> {
        HADAL_CHECK(capi::require(tokenizer, "tokenizer"));
        HADAL_CHECK(capi::require_array(text, len, "text"));
        HADAL_CHECK(capi::require_range(flags, 0, kEncodeFlags, "flags"));
        HADAL_CHECK(capi::require_buffer(out, cap, n, "n"));
        core::EncodeOptions options;
        options.add_special = (flags & HADAL_ENCODE_ADD_SPECIAL) != 0;
        options.parse_special = (flags & HADAL_ENCODE_PARSE_SPECIAL) != 0;
        if ((flags & HADAL_ENCODE_REPLACE_INVALID) != 0) options.invalid_utf8 = core::InvalidUtf8::replaced;
        HADAL_TRY(const auto tokens, tokenizer->tokenizer->encode({text, len}, options));
        return capi::copy_out(std::span<const hadal_token>(tokens), out, cap, n);
    });
}

hadal_status hadal_tokenizer_decode(const hadal_tokenizer *tokenizer, const hadal_token *tokens, size_t n,
                                    uint32_t flags, char *buf, size_t cap, size_t *len, hadal_error *err) {
    return capi::guard(err, [&]() -> Result<void> {
        HADAL_CHECK(capi::require(tokenizer, "tokenizer"));
        HADAL_CHECK(capi::require_array(tokens, n, "tokens"));
        HADAL_CHECK(capi::require_range(flags, 0, HADAL_DECODE_SPECIAL, "flags"));
        HADAL_CHECK(capi::require_buffer(buf, cap, len, "len"));
        const std::vector<core::Token> ids(tokens, tokens + n);
        const bool with_special = (flags & HADAL_DECODE_SPECIAL) != 0;
        const core::ControlText control = with_special ? core::ControlText::written : core::ControlText::left_out;
        HADAL_TRY(const std::string bytes, tokenizer->tokenizer->decode(ids, control));
        return capi::copy_out(bytes, buf, cap, len);
    });
}

hadal_status hadal_tokenizer_token_bytes(const hadal_tokenizer *tokenizer, hadal_token token, char *buf, size_t cap,
                                         size_t *len, hadal_error *err) {
    return capi::guard(err, [&]() -> Result<void> {
        HADAL_CHECK(capi::require(tokenizer, "tokenizer"));
        HADAL_CHECK(capi::require_buffer(buf, cap, len, "len"));
        HADAL_TRY(const std::string_view bytes, tokenizer->tokenizer->token_bytes(token));
        return capi::copy_out(bytes, buf, cap, len);
    });
}

hadal_token hadal_tokenizer_special(const hadal_tokenizer *tokenizer, int32_t which) {
    if (tokenizer == nullptr) return -1;
    const core::SpecialTokens &special = tokenizer->tokenizer->special();
    switch (which) {
        case HADAL_SPECIAL_BOS:
            return special.bos;
        case HADAL_SPECIAL_EOS:
            return special.eos;
        case HADAL_SPECIAL_UNKNOWN:
            return special.unknown;
        case HADAL_SPECIAL_PADDING:
            return special.padding;
        default:
            return -1;
    }
}

hadal_status hadal_decoder_create(const hadal_tokenizer *tokenizer, hadal_decoder **out, hadal_error *err) {
    return capi::guard_create(out, err, [&]() -> Result<hadal_decoder> {
        HADAL_CHECK(capi::require(tokenizer, "tokenizer"));
        return hadal_decoder{core::Decoder(tokenizer->tokenizer, core::DecodeFrom::start)};
    });
}

hadal_status hadal_decoder_push(hadal_decoder *decoder, hadal_token token, const char **text, size_t *len,
                                hadal_error *err) {
    return capi::guard(err, [&]() -> Result<void> {
        HADAL_CHECK(capi::require(decoder, "decoder"));
        HADAL_CHECK(capi::require(text, "text"));
        HADAL_CHECK(capi::require(len, "len"));
        std::string_view ready;
        if (token == -1) {
            ready = decoder->decoder.finish();
        } else {
            HADAL_TRY(ready, decoder->decoder.push(token));
        }
        *text = ready.empty() ? "" : ready.data();
        *len = ready.size();
        return {};
    });
}

void hadal_decoder_release(hadal_decoder *decoder) {
    delete decoder;
}
