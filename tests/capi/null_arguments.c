/* NULL for every pointer of every function: an error that names the parameter, or nothing at all; never a crash. */
#include "check.h"

/* The call fails, and its sentence begins with the parameter's name. */
#define REFUSES(name, call)                                                         \
    do {                                                                            \
        EXPECT(HADAL_INVALID_ARGUMENT, call);                                       \
        CHECK(strncmp(err.message, name " is NULL", strlen(name " is NULL")) == 0); \
    } while (0)

static int runtime_and_model(hadal_runtime *runtime, const char *path, hadal_model *model) {
    int n_failures = 0;
    hadal_error err;
    hadal_model *no_model = (hadal_model *)&err;
    hadal_cancel *cancel = NULL;
    int32_t level;
    char buf[8];
    size_t len;
    REFUSES("out", hadal_cancel_create(NULL, &err));
    EXPECT(HADAL_OK, hadal_cancel_create(&cancel, NULL));
    hadal_cancel_release(cancel);
    REFUSES("out", hadal_runtime_create(NULL, NULL, &err));
    REFUSES("runtime", hadal_runtime_load_backend(NULL, "x.so", &err));
    REFUSES("path", hadal_runtime_load_backend(runtime, NULL, &err));
    CHECK(hadal_runtime_device_count(NULL) == 0);
    hadal_device_info device = {0};
    device.struct_size = sizeof device;
    REFUSES("runtime", hadal_runtime_device_info(NULL, 0, &device, &err));
    REFUSES("out", hadal_runtime_device_info(runtime, 0, NULL, &err));
    REFUSES("runtime", hadal_runtime_log_poll(NULL, &level, buf, sizeof buf, &len, &err));
    REFUSES("level", hadal_runtime_log_poll(runtime, NULL, buf, sizeof buf, &len, &err));
    REFUSES("the buffer", hadal_runtime_log_poll(runtime, &level, NULL, 8, &len, &err));
    REFUSES("len", hadal_runtime_log_poll(runtime, &level, buf, sizeof buf, NULL, &err));

    hadal_model_info info = {0};
    info.struct_size = sizeof info;
    REFUSES("runtime", hadal_model_inspect(NULL, path, NULL, &info, NULL, &err));
    REFUSES("path", hadal_model_inspect(runtime, NULL, NULL, &info, NULL, &err));
    REFUSES("runtime", hadal_model_open(NULL, path, NULL, &no_model, &err));
    CHECK(no_model == NULL); /* a handle is NULL after a failure */
    REFUSES("path", hadal_model_open(runtime, NULL, NULL, &no_model, &err));
    REFUSES("out", hadal_model_open(runtime, path, NULL, NULL, &err));
    REFUSES("model", hadal_model_get_info(NULL, &info, &err));
    REFUSES("out", hadal_model_get_info(model, NULL, &err));
    REFUSES("model", hadal_model_meta(NULL, "general.name", buf, sizeof buf, &len, &err));
    REFUSES("key", hadal_model_meta(model, NULL, buf, sizeof buf, &len, &err));
    REFUSES("the buffer", hadal_model_meta(model, "general.name", NULL, 8, &len, &err));
    REFUSES("len", hadal_model_meta(model, "general.name", buf, sizeof buf, NULL, &err));
    REFUSES("model", hadal_model_plan_json(NULL, buf, sizeof buf, &len, &err));
    REFUSES("the buffer", hadal_model_plan_json(model, NULL, 8, &len, &err));
    REFUSES("len", hadal_model_plan_json(model, buf, sizeof buf, NULL, &err));
    REFUSES("runtime", hadal_convert(NULL, path, "out.gguf", NULL, &err));
    REFUSES("in", hadal_convert(runtime, NULL, "out.gguf", NULL, &err));
    REFUSES("out", hadal_convert(runtime, path, NULL, NULL, &err));
    CHECK(hadal_runtime_create(NULL, NULL, NULL) == HADAL_INVALID_ARGUMENT);
    REFUSES("the buffer", hadal_sample_model_path(NULL, 8, &len, &err));
    REFUSES("len", hadal_sample_model_path(buf, sizeof buf, NULL, &err));
    return n_failures;
}

static int tokenizer(const hadal_runtime *runtime, const char *path, const hadal_model *model) {
    int n_failures = 0;
    hadal_error err;
    hadal_tokenizer *tokenizer = NULL, *none = NULL;
    hadal_decoder *decoder = NULL, *no_decoder = NULL;
    hadal_token token = 1;
    char buf[8];
    const char *text;
    size_t n;
    EXPECT(HADAL_OK, hadal_model_tokenizer(model, &tokenizer, NULL));
    EXPECT(HADAL_OK, hadal_decoder_create(tokenizer, &decoder, NULL));
    REFUSES("runtime", hadal_tokenizer_open(NULL, path, &none, &err));
    REFUSES("path", hadal_tokenizer_open(runtime, NULL, &none, &err));
    REFUSES("out", hadal_tokenizer_open(runtime, path, NULL, &err));
    REFUSES("model", hadal_model_tokenizer(NULL, &none, &err));
    REFUSES("out", hadal_model_tokenizer(model, NULL, &err));
    CHECK(hadal_tokenizer_size(NULL) == 0);
    REFUSES("tokenizer", hadal_tokenizer_encode(NULL, "a", 1, 0, &token, 1, &n, &err));
    REFUSES("text", hadal_tokenizer_encode(tokenizer, NULL, 1, 0, &token, 1, &n, &err));
    REFUSES("the buffer", hadal_tokenizer_encode(tokenizer, "a", 1, 0, NULL, 1, &n, &err));
    REFUSES("n", hadal_tokenizer_encode(tokenizer, "a", 1, 0, &token, 1, NULL, &err));
    REFUSES("tokenizer", hadal_tokenizer_decode(NULL, &token, 1, 0, buf, sizeof buf, &n, &err));
    REFUSES("tokens", hadal_tokenizer_decode(tokenizer, NULL, 1, 0, buf, sizeof buf, &n, &err));
    REFUSES("the buffer", hadal_tokenizer_decode(tokenizer, &token, 1, 0, NULL, 8, &n, &err));
    REFUSES("len", hadal_tokenizer_decode(tokenizer, &token, 1, 0, buf, sizeof buf, NULL, &err));
    REFUSES("tokenizer", hadal_tokenizer_token_bytes(NULL, token, buf, sizeof buf, &n, &err));
    REFUSES("the buffer", hadal_tokenizer_token_bytes(tokenizer, token, NULL, 8, &n, &err));
    REFUSES("len", hadal_tokenizer_token_bytes(tokenizer, token, buf, sizeof buf, NULL, &err));
    CHECK(hadal_tokenizer_special(NULL, HADAL_SPECIAL_BOS) == -1);
    REFUSES("tokenizer", hadal_decoder_create(NULL, &no_decoder, &err));
    REFUSES("out", hadal_decoder_create(tokenizer, NULL, &err));
    REFUSES("decoder", hadal_decoder_push(NULL, token, &text, &n, &err));
    REFUSES("text", hadal_decoder_push(decoder, token, NULL, &n, &err));
    REFUSES("len", hadal_decoder_push(decoder, token, &text, NULL, &err));
    hadal_decoder_release(decoder);
    hadal_tokenizer_release(tokenizer);
    return n_failures;
}

static int chat(const hadal_runtime *runtime, const hadal_model *model) {
    int n_failures = 0;
    hadal_error err;
    hadal_chat_format *format = NULL, *none = NULL;
    hadal_chat_parser *parser = NULL, *no_parser = NULL;
    hadal_tokenizer *tokenizer = NULL;
    const char *request = "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}";
    const size_t length = strlen(request);
    hadal_token token;
    char buf[8];
    size_t n;
    REFUSES("runtime", hadal_chat_format_open(NULL, "deepseek-r1", &none, &err));
    REFUSES("path_or_name", hadal_chat_format_open(runtime, NULL, &none, &err));
    REFUSES("out", hadal_chat_format_open(runtime, "deepseek-r1", NULL, &err));
    REFUSES("model", hadal_model_chat_format(NULL, &none, &err));
    REFUSES("out", hadal_model_chat_format(model, NULL, &err));
    CHECK(none == NULL);
    CHECK(strcmp(hadal_chat_format_name(NULL), "") == 0);
    EXPECT(HADAL_OK, hadal_chat_format_open(runtime, "deepseek-r1", &format, &err));
    EXPECT(HADAL_OK, hadal_model_tokenizer(model, &tokenizer, &err));
    REFUSES("format", hadal_chat_render(NULL, request, length, buf, sizeof buf, &n, &err));
    REFUSES("request", hadal_chat_render(format, NULL, 1, buf, sizeof buf, &n, &err));
    REFUSES("the buffer", hadal_chat_render(format, request, length, NULL, 8, &n, &err));
    REFUSES("out_len", hadal_chat_render(format, request, length, buf, sizeof buf, NULL, &err));
    REFUSES("format", hadal_chat_tokenize(NULL, tokenizer, request, length, &token, 1, &n, &err));
    REFUSES("tokenizer", hadal_chat_tokenize(format, NULL, request, length, &token, 1, &n, &err));
    REFUSES("request", hadal_chat_tokenize(format, tokenizer, NULL, 1, &token, 1, &n, &err));
    REFUSES("the buffer", hadal_chat_tokenize(format, tokenizer, request, length, NULL, 1, &n, &err));
    REFUSES("n", hadal_chat_tokenize(format, tokenizer, request, length, &token, 1, NULL, &err));
    REFUSES("format", hadal_chat_parser_create(NULL, NULL, 0, &no_parser, &err));
    REFUSES("request", hadal_chat_parser_create(format, NULL, 1, &no_parser, &err));
    REFUSES("out", hadal_chat_parser_create(format, NULL, 0, NULL, &err));
    EXPECT(HADAL_OK, hadal_chat_parser_create(format, NULL, 0, &parser, &err));
    hadal_event event = {0};
    event.struct_size = sizeof event;
    REFUSES("parser", hadal_chat_parser_push(NULL, "a", 1, &err));
    REFUSES("bytes", hadal_chat_parser_push(parser, NULL, 1, &err));
    REFUSES("parser", hadal_chat_parser_finish(NULL, &err));
    REFUSES("parser", hadal_chat_parser_next(NULL, &event, &err));
    REFUSES("out", hadal_chat_parser_next(parser, NULL, &err));
    hadal_chat_parser_release(parser);
    hadal_tokenizer_release(tokenizer);
    hadal_chat_format_release(format);
    hadal_chat_parser_release(NULL);
    hadal_chat_format_release(NULL);
    return n_failures;
}

static int session_and_generator(const hadal_model *model) {
    int n_failures = 0;
    hadal_error err;
    hadal_session *session = NULL, *no_session = NULL;
    hadal_generator *generator = NULL, *none = NULL;
    hadal_token token = 1;
    float logit;
    size_t n;
    EXPECT(HADAL_OK, hadal_session_create(model, NULL, &session, NULL));
    REFUSES("model", hadal_session_create(NULL, NULL, &no_session, &err));
    REFUSES("out", hadal_session_create(model, NULL, NULL, &err));
    REFUSES("session", hadal_session_sync(NULL, &token, 1, &n, &err));
    REFUSES("tokens", hadal_session_sync(session, NULL, 1, &n, &err));
    REFUSES("session", hadal_session_append(NULL, &token, 1, &err));
    REFUSES("tokens", hadal_session_append(session, NULL, 1, &err));
    REFUSES("session", hadal_session_truncate(NULL, 0, &err));
    REFUSES("session", hadal_session_length(NULL, &n, &err));
    REFUSES("n", hadal_session_length(session, NULL, &err));
    REFUSES("session", hadal_session_tokens(NULL, 0, &token, 1, &n, &err));
    REFUSES("the buffer", hadal_session_tokens(session, 0, NULL, 1, &n, &err));
    REFUSES("n", hadal_session_tokens(session, 0, &token, 1, NULL, &err));
    REFUSES("session", hadal_session_eval(NULL, NULL, &err));
    REFUSES("session", hadal_session_logits(NULL, 0, 1, &logit, 1, &err));
    REFUSES("out", hadal_session_logits(session, 0, 1, NULL, 1, &err));

    REFUSES("session", hadal_generator_create(NULL, NULL, &none, &err));
    REFUSES("out", hadal_generator_create(session, NULL, NULL, &err));
    EXPECT(HADAL_OK, hadal_session_append(session, &token, 1, NULL));
    hadal_sampling sampling = {0};
    hadal_generate_options options = {0};
    sampling.struct_size = sizeof sampling;
    options.struct_size = sizeof options;
    options.n_stop_tokens = 1;
    REFUSES("hadal_generate_options.stop_tokens", hadal_generator_create(session, &options, &none, &err));
    options.n_stop_tokens = 0;
    options.n_stop_strings = 1;
    REFUSES("hadal_generate_options.stop_strings", hadal_generator_create(session, &options, &none, &err));
    const hadal_text nothing = {NULL, 3};
    options.stop_strings = &nothing;
    REFUSES("hadal_text.data", hadal_generator_create(session, &options, &none, &err));
    options.n_stop_strings = 0;
    options.sampling = &sampling;
    sampling.n_logit_bias = 1;
    REFUSES("hadal_sampling.logit_bias", hadal_generator_create(session, &options, &none, &err));

    hadal_event event = {0};
    hadal_stats stats = {0};
    event.struct_size = sizeof event;
    stats.struct_size = sizeof stats;
    EXPECT(HADAL_OK, hadal_generator_create(session, NULL, &generator, NULL));
    REFUSES("generator", hadal_generator_next(NULL, &event, &err));
    REFUSES("out", hadal_generator_next(generator, NULL, &err));
    REFUSES("generator", hadal_generator_stats(NULL, &stats, &err));
    REFUSES("out", hadal_generator_stats(generator, NULL, &err));
    hadal_generator_release(generator);
    hadal_session_release(session);
    return n_failures;
}

int test_null_arguments(const char *model_path) {
    int n_failures = 0;
    hadal_error err;
    hadal_runtime *runtime = NULL;
    hadal_model *model = NULL;
    EXPECT(HADAL_OK, hadal_runtime_create(NULL, &runtime, &err));
    EXPECT(HADAL_OK, hadal_model_open(runtime, model_path, NULL, &model, &err));
    if (n_failures > 0) return n_failures;
    n_failures += runtime_and_model(runtime, model_path, model);
    n_failures += tokenizer(runtime, model_path, model);
    n_failures += chat(runtime, model);
    n_failures += session_and_generator(model);
    hadal_model_release(model);
    hadal_runtime_release(runtime);
    hadal_cancel_trigger(NULL);
    hadal_cancel_release(NULL);
    hadal_runtime_release(NULL);
    hadal_model_release(NULL);
    hadal_tokenizer_release(NULL);
    hadal_decoder_release(NULL);
    hadal_session_release(NULL);
    hadal_generator_release(NULL);
    return n_failures;
}
