/* Every public function once or more, in the order of hadal.h, as a program in C would use them. */
#include <math.h>
#include <stdlib.h>

#include "check.h"

enum { ROOM = 512 };

static int32_t count_progress(void *user, uint64_t done, uint64_t total) {
    *(uint64_t *)user += done <= total;
    return 0;
}

static int tour_library(void) {
    int n_failures = 0;
    CHECK(hadal_abi_version() == ((uint32_t)HADAL_ABI_MAJOR << 16 | HADAL_ABI_MINOR));
    CHECK(strlen(hadal_version()) >= 5);
    CHECK(strcmp(hadal_status_name(HADAL_CONTEXT_FULL), "CONTEXT_FULL") == 0);
    CHECK(strcmp(hadal_status_name(HADAL_DONE), "DONE") == 0);
    CHECK(strcmp(hadal_status_name(-4711), "INTERNAL") == 0);
    return n_failures;
}

static int tour_runtime(hadal_runtime *runtime) {
    int n_failures = 0;
    hadal_error err;
    hadal_device_info device = {0};
    device.struct_size = sizeof device;
    const size_t n_devices = hadal_runtime_device_count(runtime);
    CHECK(n_devices >= 2);
    for (size_t i = 0; i < n_devices; ++i) {
        EXPECT(HADAL_OK, hadal_runtime_device_info(runtime, i, &device, &err));
        CHECK(strlen(device.backend) > 0 && strlen(device.name) > 0);
    }
    EXPECT(HADAL_NOT_FOUND, hadal_runtime_device_info(runtime, n_devices, &device, &err));
    EXPECT(HADAL_NOT_FOUND, hadal_runtime_load_backend(runtime, "./no-such-backend.so", &err));
    CHECK(strstr(err.message, "no-such-backend.so") != NULL);
    int32_t level = 0;
    char message[ROOM];
    size_t length = 0;
    EXPECT(HADAL_DONE, hadal_runtime_log_poll(runtime, &level, message, sizeof message, &length, &err));
    return n_failures;
}

static int tour_model(const hadal_runtime *runtime, const char *path, const hadal_model *model) {
    int n_failures = 0;
    hadal_error err;
    hadal_model_info inspected = {0}, info = {0};
    hadal_requirements requirements = {0};
    inspected.struct_size = info.struct_size = sizeof info;
    requirements.struct_size = sizeof requirements;
    EXPECT(HADAL_OK, hadal_model_inspect(runtime, path, NULL, &inspected, &requirements, &err));
    EXPECT(HADAL_OK, hadal_model_get_info(model, &info, &err));
    CHECK(memcmp(&info, &inspected, sizeof info) == 0);
    CHECK(strcmp(info.architecture, "llama") == 0 && strcmp(info.weight_type, "F32") == 0);
    CHECK(info.has_tokenizer == 1 && info.n_parameters > 0 && info.weight_bytes_per_token > 0);
    CHECK(requirements.mapped_bytes > 0 && requirements.kv_tokens_per_page == 64);
    CHECK(requirements.kv_bytes_per_page == info.kv_bytes_per_token * requirements.kv_tokens_per_page);
    CHECK(requirements.max_context_tokens == info.context_tokens);
    EXPECT(HADAL_OK, hadal_model_inspect(runtime, path, NULL, NULL, NULL, &err));
    EXPECT(HADAL_NOT_FOUND, hadal_model_inspect(runtime, "no-such-model.gguf", NULL, &info, NULL, &err));

    char text[ROOM];
    size_t length = 0;
    EXPECT(HADAL_BUFFER_TOO_SMALL, hadal_model_meta(model, "general.architecture", NULL, 0, &length, &err));
    CHECK(length == 5);
    EXPECT(HADAL_OK, hadal_model_meta(model, "general.architecture", text, length, &length, &err));
    CHECK(length == 5 && memcmp(text, "llama", 5) == 0);
    EXPECT(HADAL_NOT_FOUND, hadal_model_meta(model, "no.such.key", text, ROOM, &length, &err));
    EXPECT(HADAL_UNSUPPORTED, hadal_model_meta(model, "tokenizer.ggml.tokens", text, ROOM, &length, &err));

    EXPECT(HADAL_BUFFER_TOO_SMALL, hadal_model_plan_json(model, NULL, 0, &length, &err));
    char *json = malloc(length);
    EXPECT(HADAL_OK, hadal_model_plan_json(model, json, length, &length, &err));
    CHECK(length > 2 && json[0] == '{' && json[length - 1] == '}');
    free(json);
    return n_failures;
}

static int tour_sample_model(void) {
    int n_failures = 0;
    hadal_error err;
    char path[4096];
    size_t length = 0;
    if (!HAS_SAMPLE_MODEL) {
        EXPECT(HADAL_NOT_FOUND, hadal_sample_model_path(path, sizeof path, &length, &err));
        return n_failures;
    }
    EXPECT(HADAL_BUFFER_TOO_SMALL, hadal_sample_model_path(NULL, 0, &length, &err));
    const size_t n_needed = length;
    EXPECT(HADAL_OK, hadal_sample_model_path(path, sizeof path, &length, &err));
    CHECK(length == n_needed && length > 14 && memcmp(path + length - 14, "/plankton.gguf", 14) == 0);
    return n_failures;
}

static int tour_tokenizer(const hadal_runtime *runtime, const char *path, const hadal_model *model) {
    int n_failures = 0;
    hadal_error err;
    hadal_tokenizer *alone = NULL, *tokenizer = NULL;
    EXPECT(HADAL_OK, hadal_tokenizer_open(runtime, path, &alone, &err));
    EXPECT(HADAL_OK, hadal_model_tokenizer(model, &tokenizer, &err));
    CHECK(hadal_tokenizer_size(alone) == hadal_tokenizer_size(tokenizer) && hadal_tokenizer_size(alone) > 256);

    const char text[] = "a b\0c \xC3\xA9"; /* with a NUL inside */
    hadal_token tokens[ROOM];
    size_t n = 0, length = 0;
    char bytes[ROOM];
    EXPECT(HADAL_BUFFER_TOO_SMALL,
           hadal_tokenizer_encode(tokenizer, text, sizeof text - 1, HADAL_ENCODE_ADD_SPECIAL, NULL, 0, &n, &err));
    const size_t n_needed = n;
    EXPECT(HADAL_OK,
           hadal_tokenizer_encode(tokenizer, text, sizeof text - 1, HADAL_ENCODE_ADD_SPECIAL, tokens, n, &n, &err));
    CHECK(n == n_needed && tokens[0] == hadal_tokenizer_special(tokenizer, HADAL_SPECIAL_BOS));
    EXPECT(HADAL_BUFFER_TOO_SMALL, hadal_tokenizer_decode(tokenizer, tokens, n, 0, bytes, 1, &length, &err));
    CHECK(length == sizeof text - 1);
    EXPECT(HADAL_OK, hadal_tokenizer_decode(tokenizer, tokens, n, 0, bytes, ROOM, &length, &err));
    CHECK(length == sizeof text - 1 && memcmp(bytes, text, length) == 0);
    EXPECT(HADAL_OK, hadal_tokenizer_encode(tokenizer, NULL, 0, 0, NULL, 0, &n, &err));
    CHECK(n == 0);
    EXPECT(HADAL_OK, hadal_tokenizer_token_bytes(tokenizer, tokens[0], bytes, ROOM, &length, &err));
    CHECK(length == 3 && memcmp(bytes, "<s>", 3) == 0);
    EXPECT(HADAL_OK, hadal_tokenizer_decode(tokenizer, tokens, 1, HADAL_DECODE_SPECIAL, bytes, ROOM, &length, &err));
    CHECK(length == 3);
    EXPECT(HADAL_INVALID_ARGUMENT, hadal_tokenizer_encode(tokenizer, "a\xFF", 2, 0, tokens, ROOM, &n, &err));
    EXPECT(HADAL_INVALID_ARGUMENT, hadal_tokenizer_encode(tokenizer, "a", 1, 8, tokens, ROOM, &n, &err));
    EXPECT(HADAL_INVALID_ARGUMENT, hadal_tokenizer_token_bytes(tokenizer, -1, bytes, ROOM, &length, &err));
    CHECK(hadal_tokenizer_special(tokenizer, HADAL_SPECIAL_EOS) == 2);
    CHECK(hadal_tokenizer_special(tokenizer, 4711) == -1);

    hadal_decoder *decoder = NULL;
    const char *piece = NULL;
    EXPECT(HADAL_OK, hadal_decoder_create(tokenizer, &decoder, &err));
    hadal_tokenizer_release(tokenizer); /* the decoder keeps it */
    length = 0;
    for (size_t i = 0; i < n_needed; ++i) {
        size_t piece_length = 0;
        EXPECT(HADAL_OK, hadal_decoder_push(decoder, tokens[i], &piece, &piece_length, &err));
        memcpy(bytes + length, piece, piece_length);
        length += piece_length;
    }
    CHECK(length == sizeof text - 1 && memcmp(bytes, text, length) == 0);
    EXPECT(HADAL_OK, hadal_decoder_push(decoder, -1, &piece, &length, &err));
    CHECK(length == 0 && piece != NULL);
    EXPECT(HADAL_OK, hadal_tokenizer_encode(alone, "<s>a", 4, HADAL_ENCODE_ADD_SPECIAL | HADAL_ENCODE_PARSE_SPECIAL,
                                            tokens, ROOM, &n, &err));
    CHECK(n > 1 && tokens[0] == 1 && tokens[1] != 1); /* never two */
    EXPECT(HADAL_OK, hadal_tokenizer_encode(alone, "a\xFF", 2, HADAL_ENCODE_REPLACE_INVALID, tokens, ROOM, &n, &err));
    EXPECT(HADAL_OK, hadal_tokenizer_decode(alone, tokens, n, 0, bytes, ROOM, &length, &err));
    CHECK(length == 4 && memcmp(bytes, "a\xEF\xBF\xBD", 4) == 0);
    EXPECT(HADAL_INVALID_ARGUMENT, hadal_decoder_push(decoder, 1 << 30, &piece, &length, &err));
    hadal_decoder_release(decoder);
    hadal_tokenizer_release(alone);
    return n_failures;
}

/* One answer, read to its end: its kinds in a row, its texts in another. */
static int read_answer(hadal_chat_parser *parser, char *kinds, char *texts) {
    int n_failures = 0;
    hadal_error err;
    hadal_event event = {0};
    event.struct_size = sizeof event;
    while (hadal_chat_parser_next(parser, &event, &err) == HADAL_OK) {
        CHECK(event.text != NULL && event.token == -1);
        CHECK((event.kind == HADAL_EVENT_STOP) == (event.stop_reason == HADAL_STOP_MARK));
        *kinds++ = (char)('0' + event.kind);
        memcpy(texts, event.text, event.text_length);
        texts += event.text_length;
    }
    *kinds = *texts = 0;
    return n_failures;
}

static int tour_chat(const hadal_runtime *runtime, const hadal_model *model) {
    int n_failures = 0;
    hadal_error err;
    hadal_chat_format *format = NULL, *none = NULL;
    hadal_chat_parser *parser = NULL;
    hadal_tokenizer *tokenizer = NULL;
    EXPECT(HADAL_NOT_FOUND, hadal_model_chat_format(model, &none, &err)); /* this model carries no template */
    CHECK(none == NULL);
    EXPECT(HADAL_NOT_FOUND, hadal_chat_format_open(runtime, "no-such-format", &none, &err));
    CHECK(strstr(err.message, "deepseek-r1") != NULL);
    EXPECT(HADAL_OK, hadal_chat_format_open(runtime, "deepseek-r1", &format, &err));
    CHECK(strcmp(hadal_chat_format_name(format), "deepseek-r1") == 0);

    const char request[] = "{\"messages\": [{\"role\": \"user\", \"content\": \"<s>a\"}]}";
    const char prompt[] =
        "<\xEF\xBD\x9C"
        "begin\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>"
        "<\xEF\xBD\x9CUser\xEF\xBD\x9C><s>a<\xEF\xBD\x9C"
        "Assistant\xEF\xBD\x9C><think>\n";
    char text[ROOM];
    size_t length = 0;
    EXPECT(HADAL_BUFFER_TOO_SMALL, hadal_chat_render(format, request, sizeof request - 1, NULL, 0, &length, &err));
    CHECK(length == sizeof prompt - 1);
    EXPECT(HADAL_OK, hadal_chat_render(format, request, sizeof request - 1, text, ROOM, &length, &err));
    CHECK(length == sizeof prompt - 1 && memcmp(text, prompt, length) == 0);
    EXPECT(HADAL_INVALID_ARGUMENT, hadal_chat_render(format, "{}", 2, text, ROOM, &length, &err));
    EXPECT(HADAL_INVALID_ARGUMENT, hadal_chat_render(format, NULL, 0, text, ROOM, &length, &err));

    hadal_token tokens[ROOM];
    size_t n = 0;
    EXPECT(HADAL_OK, hadal_model_tokenizer(model, &tokenizer, &err));
    EXPECT(HADAL_OK, hadal_chat_tokenize(format, tokenizer, request, sizeof request - 1, tokens, ROOM, &n, &err));
    CHECK(n > 0);
    for (size_t i = 0; i < n; ++i) CHECK(tokens[i] != hadal_tokenizer_special(tokenizer, HADAL_SPECIAL_BOS));

    const char answer[] =
        "why</think>so<\xEF\xBD\x9C"
        "end\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>";
    char kinds[ROOM];
    EXPECT(HADAL_OK, hadal_chat_parser_create(format, request, sizeof request - 1, &parser, &err));
    hadal_chat_format_release(format); /* the parser needs it no longer */
    hadal_event event = {0};
    event.struct_size = sizeof event;
    EXPECT(HADAL_DONE, hadal_chat_parser_next(parser, &event, &err));
    EXPECT(HADAL_OK, hadal_chat_parser_push(parser, answer, sizeof answer - 1, &err));
    EXPECT(HADAL_OK, hadal_chat_parser_finish(parser, &err));
    n_failures += read_answer(parser, kinds, text);
    CHECK(strcmp(kinds, "342") == 0 && strcmp(text, "whyso") == 0);
    EXPECT(HADAL_INVALID_ARGUMENT, hadal_chat_parser_push(parser, "a", 1, &err));
    hadal_chat_parser_release(parser);
    hadal_tokenizer_release(tokenizer);
    return n_failures;
}

static int tour_session(hadal_session *session, const hadal_model *model, const hadal_cancel *cancel) {
    int n_failures = 0;
    hadal_error err;
    const hadal_token prompt[] = {1, 263, 270, 261}, other[] = {1, 263, 264};
    hadal_token tokens[ROOM];
    size_t n = 0, n_reused = 0;
    uint64_t n_reports = 0;
    EXPECT(HADAL_OK, hadal_session_append(session, prompt, 4, &err));
    EXPECT(HADAL_OK, hadal_session_length(session, &n, &err));
    CHECK(n == 4);
    EXPECT(HADAL_BUFFER_TOO_SMALL, hadal_session_tokens(session, 1, NULL, 0, &n, &err));
    CHECK(n == 3);
    EXPECT(HADAL_OK, hadal_session_tokens(session, 1, tokens, 3, &n, &err));
    CHECK(n == 3 && memcmp(tokens, prompt + 1, sizeof(hadal_token) * 3) == 0);
    EXPECT(HADAL_INVALID_ARGUMENT, hadal_session_tokens(session, 5, tokens, ROOM, &n, &err));

    hadal_progress progress = {0};
    progress.struct_size = sizeof progress;
    progress.report = count_progress;
    progress.user = &n_reports;
    hadal_run_options run = {0};
    run.struct_size = sizeof run;
    run.progress = &progress;
    run.cancel = cancel;
    EXPECT(HADAL_OK, hadal_session_eval(session, &run, &err));
    CHECK(n_reports > 0);
    EXPECT(HADAL_DONE, hadal_session_eval(session, NULL, &err));

    hadal_model_info info = {0};
    info.struct_size = sizeof info;
    EXPECT(HADAL_OK, hadal_model_get_info(model, &info, &err));
    float *logits = malloc(info.n_vocab * sizeof *logits);
    EXPECT(HADAL_OK, hadal_session_logits(session, 3, 1, logits, info.n_vocab, &err));
    for (uint32_t i = 0; i < info.n_vocab; ++i) CHECK(isfinite(logits[i]));
    EXPECT(HADAL_BUFFER_TOO_SMALL, hadal_session_logits(session, 3, 1, logits, info.n_vocab - 1, &err));
    EXPECT(HADAL_NOT_FOUND, hadal_session_logits(session, 2, 1, logits, info.n_vocab, &err));
    EXPECT(HADAL_NOT_FOUND, hadal_session_logits(session, 3, 2, logits, info.n_vocab, &err));
    free(logits);

    EXPECT(HADAL_OK, hadal_session_sync(session, other, 3, &n_reused, &err));
    CHECK(n_reused == 2);
    EXPECT(HADAL_OK, hadal_session_sync(session, other, 3, NULL, &err));
    EXPECT(HADAL_OK, hadal_session_truncate(session, 1, &err));
    EXPECT(HADAL_INVALID_ARGUMENT, hadal_session_truncate(session, 2, &err));
    EXPECT(HADAL_INVALID_ARGUMENT, hadal_session_append(session, (const hadal_token[]){-1}, 1, &err));
    EXPECT(HADAL_OK, hadal_session_append(session, NULL, 0, &err));
    EXPECT(HADAL_OK, hadal_session_append(session, prompt + 1, 1, &err));
    return n_failures;
}

static int tour_generator(hadal_session *session) {
    int n_failures = 0;
    hadal_error err;
    const hadal_logit_bias bias = {2, -INFINITY};
    const hadal_token stop_token = 0;
    const hadal_text stop_string = {"never so", 8};
    hadal_sampling sampling = {0};
    sampling.struct_size = sizeof sampling;
    sampling.temperature = 0.8f;
    sampling.top_k = 40;
    sampling.seed = 7;
    sampling.logit_bias = &bias;
    sampling.n_logit_bias = 1;
    hadal_generate_options options = {0};
    options.struct_size = sizeof options;
    options.max_tokens = 3;
    options.ignore_eos = 1;
    options.sampling = &sampling;
    options.stop_tokens = &stop_token;
    options.n_stop_tokens = 1;
    options.stop_strings = &stop_string;
    options.n_stop_strings = 1;
    hadal_generator *generator = NULL;
    EXPECT(HADAL_OK, hadal_generator_create(session, &options, &generator, &err));

    hadal_event event = {0};
    event.struct_size = sizeof event;
    size_t n_drawn = 0;
    while (hadal_generator_next(generator, &event, &err) == HADAL_OK && event.kind == HADAL_EVENT_TOKEN) {
        CHECK(event.text != NULL && event.stop_reason == 0 && event.token >= 0);
        ++n_drawn;
    }
    CHECK(n_drawn == 3);
    CHECK(event.kind == HADAL_EVENT_STOP && event.stop_reason == HADAL_STOP_MAX_TOKENS && event.token == -1);
    EXPECT(HADAL_DONE, hadal_generator_next(generator, &event, &err));

    hadal_stats stats = {0};
    stats.struct_size = sizeof stats;
    EXPECT(HADAL_OK, hadal_generator_stats(generator, &stats, &err));
    CHECK(stats.prefill_tokens == 1 && stats.decode_tokens == 2);
    hadal_generator_release(generator);
    return n_failures;
}

int test_tour(const char *model_path) {
    int n_failures = tour_library();
    hadal_error err;
    hadal_cancel *cancel = NULL;
    hadal_runtime *runtime = NULL;
    hadal_model *model = NULL;
    hadal_session *session = NULL;
    EXPECT(HADAL_OK, hadal_cancel_create(&cancel, &err));
    EXPECT(HADAL_OK, hadal_runtime_create(NULL, &runtime, &err));
    EXPECT(HADAL_OK, hadal_model_open(runtime, model_path, NULL, &model, &err));
    EXPECT(HADAL_OK, hadal_session_create(model, NULL, &session, &err));
    if (n_failures > 0) return n_failures;
    n_failures += tour_runtime(runtime);
    n_failures += tour_model(runtime, model_path, model);
    n_failures += tour_sample_model();
    n_failures += tour_tokenizer(runtime, model_path, model);
    n_failures += tour_chat(runtime, model);
    n_failures += tour_session(session, model, cancel);
    n_failures += tour_generator(session);
    hadal_cancel_trigger(cancel);
    hadal_runtime_release(runtime); /* the model keeps it alive, the session the model */
    hadal_model_release(model);
    hadal_session_release(session);
    hadal_cancel_release(cancel);
    return n_failures;
}
