/* The rule of growing structs, for each of them: too short, shorter than ours, longer with a zero tail, longer with a
 * tail that says something, never set. */
#include <stdlib.h>

#include "check.h"

/* What a caller with a newer header would pass: the struct and a tail we do not know. */
enum { TAIL = 24 };

/* What the calls below work on. */
struct place {
    const char *path;
    hadal_runtime *runtime;
    hadal_model *model;
    hadal_session *session;
    hadal_generator *generator;
    hadal_chat_parser *parser;
};

static void *take(void *user, size_t bytes, size_t alignment) {
    (void)user;
    (void)alignment;
    return malloc(bytes);
}

static void give(void *user, void *block, size_t bytes) {
    (void)user;
    (void)bytes;
    free(block);
}

static int32_t go_on(void *user, uint64_t done, uint64_t total) {
    (void)user;
    (void)done;
    (void)total;
    return 0;
}

/* One call a struct: it succeeds if the struct is accepted. */
typedef hadal_status use(struct place *place, void *given, hadal_error *err);

static hadal_status use_runtime_options(struct place *place, void *given, hadal_error *err) {
    hadal_runtime *runtime = NULL;
    const hadal_status status = hadal_runtime_create(given, &runtime, err);
    (void)place;
    hadal_runtime_release(runtime);
    return status;
}

static hadal_status use_allocator(struct place *place, void *given, hadal_error *err) {
    hadal_runtime_options options = {0};
    options.struct_size = sizeof options;
    options.allocator = given;
    return use_runtime_options(place, &options, err);
}

static hadal_status use_device_info(struct place *place, void *given, hadal_error *err) {
    return hadal_runtime_device_info(place->runtime, 0, given, err);
}

static hadal_status use_model_options(struct place *place, void *given, hadal_error *err) {
    return hadal_model_inspect(place->runtime, place->path, given, NULL, NULL, err);
}

static hadal_status use_model_info(struct place *place, void *given, hadal_error *err) {
    return hadal_model_get_info(place->model, given, err);
}

static hadal_status use_inspected_info(struct place *place, void *given, hadal_error *err) {
    return hadal_model_inspect(place->runtime, place->path, NULL, given, NULL, err);
}

static hadal_status use_requirements(struct place *place, void *given, hadal_error *err) {
    return hadal_model_inspect(place->runtime, place->path, NULL, NULL, given, err);
}

static hadal_status use_session_options(struct place *place, void *given, hadal_error *err) {
    hadal_session *session = NULL;
    const hadal_status status = hadal_session_create(place->model, given, &session, err);
    hadal_session_release(session);
    return status;
}

static hadal_status use_run_options(struct place *place, void *given, hadal_error *err) {
    return hadal_session_eval(place->session, given, err);
}

static hadal_status use_progress(struct place *place, void *given, hadal_error *err) {
    hadal_run_options options = {0};
    options.struct_size = sizeof options;
    options.progress = given;
    return hadal_session_eval(place->session, &options, err);
}

static hadal_status use_generate_options(struct place *place, void *given, hadal_error *err) {
    hadal_generator *generator = NULL;
    const hadal_status status = hadal_generator_create(place->session, given, &generator, err);
    hadal_generator_release(generator);
    return status;
}

static hadal_status use_sampling(struct place *place, void *given, hadal_error *err) {
    hadal_generate_options options = {0};
    options.struct_size = sizeof options;
    options.sampling = given;
    return use_generate_options(place, &options, err);
}

static hadal_status use_event(struct place *place, void *given, hadal_error *err) {
    return hadal_generator_next(place->generator, given, err);
}

static hadal_status use_parsed_event(struct place *place, void *given, hadal_error *err) {
    return hadal_chat_parser_next(place->parser, given, err);
}

static hadal_status use_stats(struct place *place, void *given, hadal_error *err) {
    return hadal_generator_stats(place->generator, given, err);
}

/* What comes of a call that was accepted: nothing can be written here. */
static hadal_status use_convert_options(struct place *place, void *given, hadal_error *err) {
    const hadal_status status = hadal_convert(place->runtime, place->path, "no such folder/out.gguf", given, err);
    return status == HADAL_IO ? HADAL_OK : status;
}

/* first: bytes in the release that brought the struct; size: now. */
static int check_rule(struct place *place, const char *name, const void *valid, uint32_t first, uint32_t size,
                      use *call) {
    int n_failures = 0;
    hadal_error err;
    unsigned char *given = malloc(size + TAIL);
    memcpy(given, valid, size);
    memset(given + size, 0, TAIL);

    memcpy(given, &(uint32_t){size}, sizeof(uint32_t));
    CHECK(call(place, given, &err) >= 0);
    memcpy(given, &(uint32_t){size + TAIL}, sizeof(uint32_t));
    CHECK(call(place, given, &err) >= 0);
    for (uint32_t i = size; i < size + TAIL; ++i) CHECK(given[i] == 0); /* what we do not know is not ours to write */
    given[size + TAIL - 1] = 1;
    EXPECT(HADAL_NEWER_STRUCT, call(place, given, &err));
    CHECK(strncmp(err.message, name, strlen(name)) == 0);
    CHECK(given[size + TAIL - 1] == 1);

    given[size + TAIL - 1] = 0;
    memcpy(given, &first, sizeof first);
    CHECK(call(place, given, &err) >= 0);
    const uint32_t wrong[] = {0, 4, first - 1, 4097, UINT32_MAX};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
        memcpy(given, &wrong[i], sizeof(uint32_t));
        EXPECT(HADAL_INVALID_ARGUMENT, call(place, given, &err));
        char both[2][16];
        snprintf(both[0], sizeof both[0], " %u", wrong[i]);
        snprintf(both[1], sizeof both[1], " %u", first);
        CHECK(strncmp(err.message, name, strlen(name)) == 0);
        CHECK(strstr(err.message, both[0]) != NULL && strstr(err.message, both[1]) != NULL);
    }
    free(given);
    if (n_failures > 0) printf("in %s\n", name);
    return n_failures;
}

/* Reserved fields are 0 until a release gives them a meaning. */
static int check_reserved(struct place *place, const char *name, const void *valid, uint32_t size, size_t offset,
                          use *call) {
    int n_failures = 0;
    hadal_error err;
    unsigned char given[256];
    memcpy(given, valid, size);
    memcpy(given, &size, sizeof size);
    given[offset] = 1;
    EXPECT(HADAL_INVALID_ARGUMENT, call(place, given, &err));
    CHECK(strstr(err.message, name) != NULL && strstr(err.message, ".reserved") != NULL);
    return n_failures;
}

static int check_all(struct place *place) {
    int n_failures = 0;
    const hadal_allocator allocator = {0, 0, take, give, NULL};
    const hadal_progress progress = {0, 0, go_on, NULL};
    static const unsigned char zeros[512];
#define RULE(type, valid, call) n_failures += check_rule(place, #type, valid, sizeof(type), sizeof(type), call)
#define GROWN(type, last, valid, call) \
    n_failures += check_rule(place, #type, valid, offsetof(type, last) + sizeof(((type *)0)->last), sizeof(type), call)
    RULE(hadal_allocator, &allocator, use_allocator);
    RULE(hadal_progress, &progress, use_progress);
    RULE(hadal_runtime_options, zeros, use_runtime_options);
    RULE(hadal_device_info, zeros, use_device_info);
    RULE(hadal_model_options, zeros, use_model_options);
    RULE(hadal_model_info, zeros, use_model_info);
    RULE(hadal_model_info, zeros, use_inspected_info);
    RULE(hadal_requirements, zeros, use_requirements);
    RULE(hadal_session_options, zeros, use_session_options);
    RULE(hadal_run_options, zeros, use_run_options);
    GROWN(hadal_generate_options, progress, zeros, use_generate_options);
    RULE(hadal_sampling, zeros, use_sampling);
    RULE(hadal_convert_options, zeros, use_convert_options);
    hadal_error err;
    EXPECT(HADAL_OK, hadal_generator_create(place->session, NULL, &place->generator, &err));
    GROWN(hadal_event, text_length, zeros, use_event);
    hadal_chat_format *format = NULL;
    EXPECT(HADAL_OK, hadal_chat_format_open(place->runtime, "deepseek-v3", &format, &err));
    EXPECT(HADAL_OK, hadal_chat_parser_create(format, NULL, 0, &place->parser, &err));
    GROWN(hadal_event, text_length, zeros, use_parsed_event);
    hadal_chat_parser_release(place->parser);
    hadal_chat_format_release(format);
    RULE(hadal_stats, zeros, use_stats);
    hadal_generator_release(place->generator);
#undef RULE
#undef GROWN
#define RESERVED(type, valid, call) \
    n_failures += check_reserved(place, #type, valid, sizeof(type), offsetof(type, reserved), call)
    RESERVED(hadal_allocator, &allocator, use_allocator);
    RESERVED(hadal_progress, &progress, use_progress);
    RESERVED(hadal_runtime_options, zeros, use_runtime_options);
    RESERVED(hadal_session_options, zeros, use_session_options);
    RESERVED(hadal_run_options, zeros, use_run_options);
    RESERVED(hadal_sampling, zeros, use_sampling);
#undef RESERVED
    return n_failures;
}

int test_structs(const char *model_path) {
    int n_failures = 0;
    hadal_error err;
    struct place place = {0};
    const hadal_token bos = 1;
    place.path = model_path;
    EXPECT(HADAL_OK, hadal_runtime_create(NULL, &place.runtime, &err));
    EXPECT(HADAL_OK, hadal_model_open(place.runtime, model_path, NULL, &place.model, &err));
    EXPECT(HADAL_OK, hadal_session_create(place.model, NULL, &place.session, &err));
    EXPECT(HADAL_OK, hadal_session_append(place.session, &bos, 1, &err));
    if (n_failures > 0) return n_failures;
    CHECK(sizeof(hadal_error) == 1024);
    n_failures += check_all(&place);
    hadal_session_release(place.session);
    hadal_model_release(place.model);
    hadal_runtime_release(place.runtime);
    return n_failures;
}
