/* hello [MODEL [PROMPT]]   streams up to 200 tokens of text; without a model, of the small one that comes with Hadal
 * hello MODEL --ids "1 9"  starts from token ids and prints ids, for a model without a tokenizer
 *
 * Everything a program needs: a runtime, a model, a session, a generator. Every call is checked; every handle is
 * released, in any order. */
#include <hadal/hadal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PROMPT = 4096, MAX_TOKENS = 200, MAX_PATH = 4096 };

/* "1 403 7" -> {1, 403, 7}; returns how many. */
static size_t read_ids(const char *text, hadal_token *ids) {
    size_t n = 0;
    char *end = NULL;
    for (long id = strtol(text, &end, 10); end != text && n < MAX_PROMPT; id = strtol(text, &end, 10)) {
        ids[n++] = (hadal_token)id;
        text = end;
    }
    return n;
}

/* The prompt's tokens, with the begin-of-sequence token that the vocabulary asks for. */
static hadal_status encode(const hadal_model *model, const char *text, hadal_token *ids, size_t *n, hadal_error *err) {
    hadal_tokenizer *tokenizer = NULL;
    hadal_status status = hadal_model_tokenizer(model, &tokenizer, err);
    if (status >= 0) {
        status =
            hadal_tokenizer_encode(tokenizer, text, strlen(text), HADAL_ENCODE_ADD_SPECIAL, ids, MAX_PROMPT, n, err);
    }
    hadal_tokenizer_release(tokenizer);
    return status;
}

/* Pulls events until the generator is done, and prints each as it comes. */
static hadal_status stream(hadal_generator *generator, int as_ids, hadal_error *err) {
    hadal_event event = {0};
    event.struct_size = sizeof event;
    hadal_status status = hadal_generator_next(generator, &event, err);
    while (status == HADAL_OK) {
        if (!as_ids) fwrite(event.text, 1, event.text_length, stdout);
        if (as_ids && event.kind == HADAL_EVENT_TOKEN) printf("%d ", (int)event.token);
        fflush(stdout);
        status = hadal_generator_next(generator, &event, err);
    }
    printf("\n");
    return status; /* HADAL_DONE, or what went wrong */
}

int main(int argc, char **argv) {
    const int as_ids = argc == 4 && strcmp(argv[2], "--ids") == 0;
    if (argc > 3 && !as_ids) {
        fprintf(stderr, "usage: %s [MODEL [PROMPT]]\n       %s MODEL --ids \"1 9\"\n", argv[0], argv[0]);
        return 2;
    }
    hadal_error err;
    hadal_runtime *runtime = NULL;
    hadal_model *model = NULL;
    hadal_session *session = NULL;
    hadal_generator *generator = NULL;
    static hadal_token ids[MAX_PROMPT];
    static char path[MAX_PATH + 1];
    size_t n = 0;
    hadal_generate_options options = {0}; /* zero is the default of every field: greedy, until a stop */
    options.struct_size = sizeof options;
    options.max_tokens = MAX_TOKENS;

    hadal_status status = hadal_runtime_create(NULL, &runtime, &err);
    if (status >= 0 && argc < 2) status = hadal_sample_model_path(path, MAX_PATH, &n, &err);
    if (status >= 0) status = hadal_model_open(runtime, argc < 2 ? path : argv[1], NULL, &model, &err);
    if (status >= 0 && as_ids) n = read_ids(argv[3], ids);
    if (status >= 0 && !as_ids) status = encode(model, argc == 3 ? argv[2] : "", ids, &n, &err);
    if (status >= 0) status = hadal_session_create(model, NULL, &session, &err);
    if (status >= 0) status = hadal_session_append(session, ids, n, &err);
    if (status >= 0) status = hadal_generator_create(session, &options, &generator, &err);
    if (status >= 0) status = stream(generator, as_ids, &err);
    if (status < 0) fprintf(stderr, "hello: %s: %s\n", hadal_status_name(status), err.message);

    hadal_generator_release(generator);
    hadal_session_release(session);
    hadal_model_release(model);
    hadal_runtime_release(runtime);
    return status < 0;
}
