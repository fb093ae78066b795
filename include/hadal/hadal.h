/* hadal.h - the application interface of Hadal, an embeddable inference library for DeepSeek and its family.
 *
 * Read this file top to bottom and you know the library. A runtime owns devices, threads and memory; a model is opened
 * once and shared; a session is one conversation: a timeline of tokens and their cached keys and values; a generator
 * pulls new tokens from a session.
 *
 * Rules that hold for every function
 *   Errors    Fallible functions return a hadal_status: >= 0 is success. The last parameter, a hadal_error, may be
 *             NULL; otherwise it is filled on failure with one sentence and left alone on success. A failed call leaves
 *             its objects as they were. Out-parameters are written only on success, except a length with
 *             HADAL_BUFFER_TOO_SMALL; a handle out-parameter is set to NULL on failure.
 *   Threads   A const handle may be used by many threads at once, a non-const handle by one at a time; any thread may
 *             call. Only a hadal_cancel is meant to be touched while another call runs.
 *   Memory    The library never returns memory to free. Handles have _release (NULL is allowed) and are counted inside:
 *             a session keeps its model alive, a model its runtime, so the order of release does not matter. Variable
 *             results go to the caller's buffer: call with cap = 0 to learn the size (HADAL_BUFFER_TOO_SMALL).
 *   Structs   Zero is the default of every field. A struct whose first field is struct_size grows at its end: set it to
 *             sizeof, zero the rest. Structs without it never change.
 *   Text      UTF-8, pointer and length, NUL allowed inside. Paths and keys are NUL-terminated UTF-8 on every system.
 *   Silence   Nothing is printed, no signal handler is installed, the environment is not read.
 *
 * C99; only <stddef.h> and <stdint.h>; no function-like macros, unions, bit-fields or enums as types, so that foreign
 * function interfaces can read it. */
#ifndef HADAL_HADAL_H
#define HADAL_HADAL_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#if defined(HADAL_BUILD)
#define HADAL_API __declspec(dllexport)
#else
#define HADAL_API __declspec(dllimport)
#endif
#else
#define HADAL_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Library ----------------------------------------------------------------------------------------------------- */

/* What this header describes. Major 0: not yet promised. */
enum { HADAL_ABI_MAJOR = 0, HADAL_ABI_MINOR = 1 };

/* Result of a call. Codes are never renumbered; treat an unknown negative code as HADAL_INTERNAL. */
typedef int32_t hadal_status;
enum {
    HADAL_OK = 0,
    HADAL_DONE = 1,              /* success, and there is nothing more to come */
    HADAL_INTERNAL = -1,         /* a bug in Hadal or in a backend */
    HADAL_INVALID_ARGUMENT = -2, /* the caller's value is outside its range */
    HADAL_OUT_OF_MEMORY = -3,    /* the system or a memory budget has no room */
    HADAL_IO = -4,               /* a file could not be opened, read or written */
    HADAL_BAD_FORMAT = -5,       /* a file contradicts its format or itself */
    HADAL_UNSUPPORTED = -6,      /* understood, but not implemented here */
    HADAL_NOT_FOUND = -7,        /* no such file, key, device or tokenizer */
    HADAL_BUFFER_TOO_SMALL = -8, /* the length needed was written; call again */
    HADAL_CANCELLED = -9,        /* the cancel object given to the call was triggered */
    HADAL_ABI_MISMATCH = -10,    /* a plug-in speaks another version of backend.h */
    HADAL_DEVICE_LOST = -11,     /* the device stopped answering; its sessions are over */
    HADAL_CONTEXT_FULL = -12,    /* no positions are left in the session's context */
    HADAL_BUSY = -13,            /* the handle is borrowed by another one, which must be released first */
    HADAL_NEWER_STRUCT = -14,    /* the caller's struct is newer than the library and uses what it does not know */
    HADAL_CALLBACK = -15         /* the caller's callback returned non-zero; the value is in hadal_error.detail */
};

/* A token id: 0 to n_vocab - 1. */
typedef int32_t hadal_token;

/* What went wrong. Caller-allocated, never changes: 1,024 bytes. */
typedef struct hadal_error {
    hadal_status status;
    int32_t detail;          /* errno, a callback's value, a backend's own code; 0 if there is none */
    uint32_t message_length; /* bytes, without the NUL */
    char message[1012];      /* UTF-8, NUL-terminated, cut on a code point; names file, field and both values */
} hadal_error;

/* HADAL_ABI_MAJOR << 16 | HADAL_ABI_MINOR of the library that runs. Since 0.1. */
HADAL_API uint32_t hadal_abi_version(void);

/* "0.1.0"; static. Since 0.1. */
HADAL_API const char *hadal_version(void);

/* "CONTEXT_FULL" for HADAL_CONTEXT_FULL and so on; "INTERNAL" for an unknown code; static. Since 0.1. */
HADAL_API const char *hadal_status_name(hadal_status status);

/* ---- Cancel and progress ----------------------------------------------------------------------------------------- */

/* A flag that ends long calls early. Once triggered it stays so; make a new one for the next piece of work. */
typedef struct hadal_cancel hadal_cancel;

/* A new one, not triggered. Fails: OUT_OF_MEMORY. Since 0.1. */
HADAL_API hadal_status hadal_cancel_create(hadal_cancel **out, hadal_error *err);

/* Asks every call that was given this object to stop: it returns HADAL_CANCELLED at the next op of the program, with
 * its session as it last was. Safe from any thread and from a signal handler. Since 0.1. */
HADAL_API void hadal_cancel_trigger(const hadal_cancel *cancel);

/* Calls still running with it keep it alive. Since 0.1. */
HADAL_API void hadal_cancel_release(hadal_cancel *cancel);

/* Called now and then by the thread that made the long call. Growing. */
typedef struct hadal_progress {
    uint32_t struct_size;
    uint32_t reserved;
    /* done of total: bytes while a model opens or is converted, tokens while a prompt is computed. Return 0 to go on;
     * any other value ends the call with HADAL_CALLBACK. Must not use the handle the call works on. Zero: none. */
    int32_t (*report)(void *user, uint64_t done, uint64_t total);
    void *user;
} hadal_progress;

/* ---- Runtime ----------------------------------------------------------------------------------------------------- */

/* Devices, worker threads, memory budget and log. No globals: several may live in one process. Threads start with the
 * first computation and end with the runtime. Do not fork after creating one. */
typedef struct hadal_runtime hadal_runtime;

/* Where large blocks come from: scratch, weights that are read rather than mapped, and KV pages, which a session takes
 * for its whole context at once (the system's memory is committed as it is used). Small control objects use the C++
 * heap. Both functions may be called from any thread until the last handle of the runtime is released. Growing. */
typedef struct hadal_allocator {
    uint32_t struct_size;
    uint32_t reserved;
    void *(*allocate)(void *user, size_t bytes, size_t alignment); /* NULL when there is no memory; required */
    void (*deallocate)(void *user, void *block, size_t bytes);     /* required */
    void *user;
} hadal_allocator;

enum { HADAL_LOG_ERROR = 1, HADAL_LOG_WARNING = 2, HADAL_LOG_INFO = 3, HADAL_LOG_DEBUG = 4 };

/* Growing. */
typedef struct hadal_runtime_options {
    uint32_t struct_size;
    uint32_t threads;       /* CPU workers, the calling thread among them; 0: one per physical core; <= 1024 */
    uint64_t memory_budget; /* bytes for everything in this runtime; 0: no cap */
    const hadal_allocator *allocator; /* copied; NULL: the system's */
    /* Called from any thread, must not call back. NULL: messages wait for hadal_runtime_log_poll (the newest 256). */
    void (*log)(void *user, int32_t level, const char *message, size_t length);
    void *log_user;
    int32_t log_level; /* the least important level to keep; 0: HADAL_LOG_WARNING */
    uint32_t reserved;
} hadal_runtime_options;

/* Fails: INVALID_ARGUMENT (threads, allocator). Since 0.1. */
HADAL_API hadal_status hadal_runtime_create(const hadal_runtime_options *options, hadal_runtime **out,
                                            hadal_error *err);

/* Since 0.1. */
HADAL_API void hadal_runtime_release(hadal_runtime *runtime);

/* Loads a chip's plug-in from exactly this path; its devices come before the built-in ones and are preferred to them.
 * Fails: NOT_FOUND, ABI_MISMATCH (the message has both versions), BAD_FORMAT (no hadal_backend_entry). Since 0.1. */
HADAL_API hadal_status hadal_runtime_load_backend(hadal_runtime *runtime, const char *path, hadal_error *err);

/* Growing. */
typedef struct hadal_device_info {
    uint32_t struct_size;
    uint32_t reserved;
    char backend[32];      /* "cpu", "reference", "cuda", or what a plug-in calls itself */
    char name[128];        /* the device and the instruction set in use, for people */
    uint64_t memory_bytes; /* total; 0 if unknown */
} hadal_device_info;

/* Devices of the built-in backends and of the plug-ins loaded so far; 0 for NULL. Since 0.1. */
HADAL_API size_t hadal_runtime_device_count(const hadal_runtime *runtime);

/* Fails: NOT_FOUND (no device i). Since 0.1. */
HADAL_API hadal_status hadal_runtime_device_info(const hadal_runtime *runtime, size_t i, hadal_device_info *out,
                                                 hadal_error *err);

/* Takes the oldest waiting log message. DONE: none is waiting. A message that does not fit stays (BUFFER_TOO_SMALL).
 * Since 0.1. */
HADAL_API hadal_status hadal_runtime_log_poll(const hadal_runtime *runtime, int32_t *level, char *buf, size_t cap,
                                              size_t *len, hadal_error *err);

/* ---- Model ------------------------------------------------------------------------------------------------------- */

/* A checkpoint bound to devices. Immutable, shared by sessions on any threads. */
typedef struct hadal_model hadal_model;

enum { HADAL_LOAD_MMAP = 0, HADAL_LOAD_READ = 1 }; /* map the weights, or read them (files that may change) */
enum { HADAL_KV_BF16 = 0, HADAL_KV_F32 = 1 };      /* element type of the cache */
enum { HADAL_FALLBACK_ALLOW = 0, HADAL_FALLBACK_FORBID = 1 }; /* may ops go to another device than the one named? */

/* Growing. */
typedef struct hadal_model_options {
    uint32_t struct_size;
    int32_t load;                   /* HADAL_LOAD_*; 0: mmap */
    const char *backend;            /* backend to prefer; NULL: plug-ins, then cpu */
    int32_t fallback;               /* HADAL_FALLBACK_*; 0: allow, with a line in the log for each op */
    int32_t kv_type;                /* HADAL_KV_*; 0: bf16; holds for every session of the model. With f32 no activation
                                       is rounded before a matmul either: the numbers of the weights as they are */
    uint64_t memory_budget;         /* bytes for this model and its sessions; 0: the runtime's */
    const hadal_progress *progress; /* bytes read, or mapped and prepared; used only inside the call */
    const hadal_cancel *cancel;     /* used only inside the call */
} hadal_model_options;

/* What a checkpoint is. Growing. */
typedef struct hadal_model_info {
    uint32_t struct_size;
    uint32_t n_layers;
    char name[128];                  /* from the file; may be empty */
    char architecture[32];           /* "llama" */
    char weight_type[16];            /* type of most weight bytes: "Q4_K" */
    uint64_t n_parameters;           /* all weights */
    uint64_t n_active_parameters;    /* read for one token: of its experts those it uses, of the embedding nothing
                                        unless it is the head as well */
    uint64_t context_tokens;         /* trained length */
    uint64_t weight_bytes;           /* as stored */
    uint64_t weight_bytes_per_token; /* read for one token at batch 1, output head included */
    uint64_t kv_bytes_per_token;     /* in the cache, for the kv_type asked */
    uint32_t n_vocab;                /* tokens; width of a row of logits */
    uint32_t d_model;                /* width of the residual stream */
    uint32_t n_heads;
    uint32_t n_kv_heads;
    int32_t has_tokenizer; /* 1: hadal_model_tokenizer works */
    uint32_t
        n_mtp_layers; /* layers after n_layers that predict further tokens; not used, and in no other number here */
} hadal_model_info;

/* Memory a model needs, known before a byte of weight is read. Growing. */
typedef struct hadal_requirements {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t mapped_bytes;      /* used where they lie in the files; reclaimable by the system; not in the budget */
    uint64_t model_bytes;       /* allocated once by hadal_model_open */
    uint64_t session_bytes;     /* allocated by each session with default options, without its cache */
    uint64_t kv_bytes_per_page; /* the cache grows by pages of kv_tokens_per_page tokens */
    uint64_t kv_tokens_per_page;
    uint64_t max_context_tokens; /* longest context of one session within the budget, at most the trained length */
} hadal_requirements;

/* The path of Plankton, a DeepSeek-V3 of 3 million weights that is installed with the library: it tells small stories
 * and does sums. For first steps and for tests. buf[*len], without a NUL. It is looked for from the folder of the
 * library's file, or of the program that it is linked into. Fails: NOT_FOUND (it was not installed; the message says
 * where it was looked for), BUFFER_TOO_SMALL. Since 0.1. */
HADAL_API hadal_status hadal_sample_model_path(char *buf, size_t cap, size_t *len, hadal_error *err);

/* Reads headers only, builds the program and plans its memory. path: a .gguf file, or a folder in Hugging Face form,
 * where config.json alone is enough; its weights are then taken to be bf16, or FP8 where it says so.
 * Either out-struct may be NULL; set its struct_size first. Fails: NOT_FOUND, BAD_FORMAT, UNSUPPORTED. Since 0.1. */
HADAL_API hadal_status hadal_model_inspect(const hadal_runtime *runtime, const char *path,
                                           const hadal_model_options *options, hadal_model_info *info,
                                           hadal_requirements *requirements, hadal_error *err);

/* Fails: as inspect; OUT_OF_MEMORY (a budget is smaller than the plan, with both numbers); CANCELLED. Since 0.1. */
HADAL_API hadal_status hadal_model_open(const hadal_runtime *runtime, const char *path,
                                        const hadal_model_options *options, hadal_model **out, hadal_error *err);

/* Since 0.1. */
HADAL_API void hadal_model_release(hadal_model *model);

/* What hadal_model_inspect gives for the same file and options, without reading the file again.
 * Fails: INVALID_ARGUMENT, NEWER_STRUCT (struct_size). Since 0.1. */
HADAL_API hadal_status hadal_model_get_info(const hadal_model *model, hadal_model_info *out, hadal_error *err);

/* One metadata value of the checkpoint as text: a GGUF key ("general.name") or a path into config.json
 * ("rope_scaling.factor"). Fails: NOT_FOUND; UNSUPPORTED (an array). Since 0.1. */
HADAL_API hadal_status hadal_model_meta(const hadal_model *model, const char *key, char *buf, size_t cap, size_t *len,
                                        hadal_error *err);

/* The plan as JSON: every op, its device, why not another, memory of each segment, bytes crossing devices per row.
 * Since 0.1. */
HADAL_API hadal_status hadal_model_plan_json(const hadal_model *model, char *buf, size_t cap, size_t *len,
                                             hadal_error *err);

/* ---- Tokenizer --------------------------------------------------------------------------------------------------- */

/* Text to tokens and back. Usable without weights. */
typedef struct hadal_tokenizer hadal_tokenizer;

/* Special tokens in the text are plain text unless PARSE_SPECIAL is given: user text must not carry it. */
enum {
    HADAL_ENCODE_ADD_SPECIAL = 1,    /* BOS and EOS as the vocabulary asks; no BOS where PARSE_SPECIAL finds one */
    HADAL_ENCODE_PARSE_SPECIAL = 2,  /* special tokens in the text are tokens */
    HADAL_ENCODE_REPLACE_INVALID = 4 /* what is not UTF-8 becomes U+FFFD instead of an error */
};
enum { HADAL_DECODE_SPECIAL = 1 };                                     /* write special tokens as their text */
enum { HADAL_SPECIAL_BOS = 0, HADAL_SPECIAL_EOS = 1, HADAL_SPECIAL_UNKNOWN = 2, HADAL_SPECIAL_PADDING = 3 };

/* path: a .gguf file, with or without weights; a folder with tokenizer.json; or that file itself. Fails: NOT_FOUND (no
 * vocabulary in it), BAD_FORMAT, UNSUPPORTED (a kind of tokenizer or a step of it, named). Since 0.1. */
HADAL_API hadal_status hadal_tokenizer_open(const hadal_runtime *runtime, const char *path, hadal_tokenizer **out,
                                            hadal_error *err);

/* The model's own. Fails: NOT_FOUND (the checkpoint has none). Since 0.1. */
HADAL_API hadal_status hadal_model_tokenizer(const hadal_model *model, hadal_tokenizer **out, hadal_error *err);

/* Since 0.1. */
HADAL_API void hadal_tokenizer_release(hadal_tokenizer *tokenizer);

/* Number of tokens. Since 0.1. */
HADAL_API size_t hadal_tokenizer_size(const hadal_tokenizer *tokenizer);

/* text -> out[*n]. Fails: INVALID_ARGUMENT (invalid UTF-8, with its offset), BUFFER_TOO_SMALL. Since 0.1. */
HADAL_API hadal_status hadal_tokenizer_encode(const hadal_tokenizer *tokenizer, const char *text, size_t len,
                                              uint32_t flags, hadal_token *out, size_t cap, size_t *n,
                                              hadal_error *err);

/* tokens[n] -> buf[*len]; the bytes may end inside a code point (a decoder waits for the rest).
 * Fails: INVALID_ARGUMENT (an id out of range), BUFFER_TOO_SMALL. Since 0.1. */
HADAL_API hadal_status hadal_tokenizer_decode(const hadal_tokenizer *tokenizer, const hadal_token *tokens, size_t n,
                                              uint32_t flags, char *buf, size_t cap, size_t *len, hadal_error *err);

/* The bytes one token stands for, special tokens as their text. Since 0.1. */
HADAL_API hadal_status hadal_tokenizer_token_bytes(const hadal_tokenizer *tokenizer, hadal_token token, char *buf,
                                                   size_t cap, size_t *len, hadal_error *err);

/* Id of HADAL_SPECIAL_*, or -1 if the vocabulary has none. Since 0.1. */
HADAL_API hadal_token hadal_tokenizer_special(const hadal_tokenizer *tokenizer, int32_t which);

/* Turns a stream of tokens into whole UTF-8 code points. */
typedef struct hadal_decoder hadal_decoder;

/* Keeps the tokenizer alive. Since 0.1. */
HADAL_API hadal_status hadal_decoder_create(const hadal_tokenizer *tokenizer, hadal_decoder **out, hadal_error *err);

/* The text that is complete now, maybe empty; valid until the next call on this decoder. Bytes that can never become
 * UTF-8 come out as U+FFFD. token -1 ends the stream: an unfinished code point comes out as U+FFFD.
 * Fails: INVALID_ARGUMENT (an id out of range). Since 0.1. */
HADAL_API hadal_status hadal_decoder_push(hadal_decoder *decoder, hadal_token token, const char **text, size_t *len,
                                          hadal_error *err);

/* Since 0.1. */
HADAL_API void hadal_decoder_release(hadal_decoder *decoder);

/* ---- Events ------------------------------------------------------------------------------------------------------ */

/* What a generator, or a parser of answers, has to tell. Skip kinds you do not know: later releases add some. */
enum {
    HADAL_EVENT_TOKEN = 1,               /* one token was drawn; text holds what became final with it, maybe nothing */
    HADAL_EVENT_STOP = 2,                /* the end, with its reason; text holds what was held back */
    HADAL_EVENT_REASONING = 3,           /* from here on only where answers are parsed: a piece of the reasoning */
    HADAL_EVENT_CONTENT = 4,             /* a piece of the answer */
    HADAL_EVENT_TOOL_CALL_BEGIN = 5,     /* text: the name of the function */
    HADAL_EVENT_TOOL_CALL_ARGUMENTS = 6, /* text: the next piece of the arguments, a JSON object */
    HADAL_EVENT_TOOL_CALL_END = 7
};
enum {
    HADAL_STOP_EOS = 1,        /* an end token of the vocabulary */
    HADAL_STOP_TOKEN = 2,      /* one of stop_tokens */
    HADAL_STOP_STRING = 3,     /* one of stop_strings */
    HADAL_STOP_MAX_TOKENS = 4, /* max_tokens were drawn */
    HADAL_STOP_CONTEXT = 5,    /* the session's context is full */
    HADAL_STOP_MARK = 6        /* the mark that ends an answer in its chat format */
};
/* CONTENT: was to be a call and is none, or follows the end. TOOL_CALL_END: the call broke off, or its arguments, given
 * out as they came, are not one JSON object. */
enum { HADAL_EVENT_MALFORMED = 1 };

/* Growing. */
typedef struct hadal_event {
    uint32_t struct_size;
    int32_t kind;        /* HADAL_EVENT_* */
    hadal_token token;   /* TOKEN: the id; STOP by a token: that id; else -1 */
    int32_t stop_reason; /* STOP: HADAL_STOP_*; else 0 */
    const char *text;    /* whole UTF-8 code points; valid until the next call on the same handle; never NULL */
    size_t text_length;  /* 0 without a tokenizer */
    uint32_t call_index; /* TOOL_CALL_*: which of the answer's calls, from 0 */
    uint32_t flags;      /* HADAL_EVENT_MALFORMED or 0 */
} hadal_event;

/* ---- Chat -------------------------------------------------------------------------------------------------------- */

/* How one model's conversations are written, and its answers read. Usable without weights; immutable.
 *
 * A request is JSON, as HTTP interfaces have it: {"messages": [{"role": "user", "content": "..."}], "tools": [...],
 * "thinking": true, "add_generation_prompt": true}. Roles are system, user, assistant (with reasoning_content and
 * tool_calls) and tool; content is a string or, for formats built in, a list of text parts. thinking (or
 * enable_thinking) not given is what the format does by itself; add_generation_prompt not given is true. A model's own
 * template gets the messages as they are, and every other member as a variable as well (date_string, documents); what
 * it does not name has no effect. Its clock (strftime_now) tells UTC. */
typedef struct hadal_chat_format hadal_chat_format;

/* path_or_name: a format built in (deepseek-v2, deepseek-v3, deepseek-r1, deepseek-r1-distill, deepseek-r1-0528,
 * deepseek-v3.1, deepseek-v3.2, deepseek-v4, qwen2.5, qwen3, llama-3.1); or a .gguf file, a folder with
 * tokenizer_config.json or chat_template.jinja, or a .jinja file. A template is the authority on its requests: one
 * that a format built in is known to render is recognised by its hash, all others run in a sandbox.
 * Fails: NOT_FOUND (no template and no such name), BAD_FORMAT, UNSUPPORTED. Since 0.1. */
HADAL_API hadal_status hadal_chat_format_open(const hadal_runtime *runtime, const char *path_or_name,
                                              hadal_chat_format **out, hadal_error *err);

/* The model's own. Fails: NOT_FOUND (the checkpoint has none), BAD_FORMAT, UNSUPPORTED (its template). Since 0.1. */
HADAL_API hadal_status hadal_model_chat_format(const hadal_model *model, hadal_chat_format **out, hadal_error *err);

/* Since 0.1. */
HADAL_API void hadal_chat_format_release(hadal_chat_format *format);

/* The name of the format built in, or "template"; "" for NULL; static. Since 0.1. */
HADAL_API const char *hadal_chat_format_name(const hadal_chat_format *format);

/* request[len] -> the prompt as text, special tokens written out. A warning in the log names what of the request a
 * template has no place for. Fails: INVALID_ARGUMENT (the path of what is wrong in the request, or the template's own
 * complaint), UNSUPPORTED (thinking, tools or reasoning_effort that a format opened by name has no form for),
 * BAD_FORMAT (the template computes what cannot be computed, or too much), BUFFER_TOO_SMALL. Since 0.1. */
HADAL_API hadal_status hadal_chat_render(const hadal_chat_format *format, const char *request, size_t len, char *buf,
                                         size_t cap, size_t *out_len, hadal_error *err);

/* The same as tokens. Special tokens come from the format only: text of the request that looks like one is text.
 * Nothing is added: BOS is there, once, where the format writes it. Fails: as render; as hadal_tokenizer_encode;
 * UNSUPPORTED (a template whose text cannot be told from the request's). Since 0.1. */
HADAL_API hadal_status hadal_chat_tokenize(const hadal_chat_format *format, const hadal_tokenizer *tokenizer,
                                           const char *request, size_t len, hadal_token *out, size_t cap, size_t *n,
                                           hadal_error *err);

/* Reads an answer while it comes: reasoning, content, tool calls. Bytes may be cut anywhere. Nothing is refused: what
 * breaks the format's rules is content, flagged MALFORMED. */
typedef struct hadal_chat_parser hadal_chat_parser;

/* Of the answer to request[len], which says whether the prompt ended inside reasoning, and whether there are tools.
 * request NULL: one message of a user, with tools. Fails: as render. Since 0.1. */
HADAL_API hadal_status hadal_chat_parser_create(const hadal_chat_format *format, const char *request, size_t len,
                                                hadal_chat_parser **out, hadal_error *err);

/* The next bytes of the answer, with special tokens as their text (HADAL_DECODE_SPECIAL). Bytes that can never become
 * UTF-8 come out as U+FFFD. Fails: INVALID_ARGUMENT (after finish). Since 0.1. */
HADAL_API hadal_status hadal_chat_parser_push(hadal_chat_parser *parser, const char *bytes, size_t len,
                                              hadal_error *err);

/* The answer is over: what was held back comes out as events. Since 0.1. */
HADAL_API hadal_status hadal_chat_parser_finish(hadal_chat_parser *parser, hadal_error *err);

/* OK: one event; STOP where the format's end mark was read. DONE: none is ready; push more, or all is read.
 * Since 0.1. */
HADAL_API hadal_status hadal_chat_parser_next(hadal_chat_parser *parser, hadal_event *out, hadal_error *err);

/* Since 0.1. */
HADAL_API void hadal_chat_parser_release(hadal_chat_parser *parser);

/* ---- Session ----------------------------------------------------------------------------------------------------- */

/* One mutable timeline: tokens, and the keys and values computed for a prefix of them. sync, append and truncate only
 * edit the tokens; eval computes what is not computed yet. */
typedef struct hadal_session hadal_session;

/* Growing. */
typedef struct hadal_session_options {
    uint32_t struct_size;
    uint32_t chunk;   /* rows computed in one run of a long prompt; 0: chosen; <= context, <= 65536 */
    uint64_t context; /* most tokens; 0: the model's trained length, or what the budget allows */
    uint32_t extend;  /* 1: context may exceed the trained length */
    uint32_t reserved;
    uint64_t memory_budget; /* bytes for this session; 0: the model's */
} hadal_session_options;

/* Keeps the model alive. Fails: INVALID_ARGUMENT (context beyond the trained length), OUT_OF_MEMORY. Since 0.1. */
HADAL_API hadal_status hadal_session_create(const hadal_model *model, const hadal_session_options *options,
                                            hadal_session **out, hadal_error *err);

/* A generator that borrows it keeps it alive. Since 0.1. */
HADAL_API void hadal_session_release(hadal_session *session);

/* Makes the timeline equal tokens[n], keeping what was computed for their common prefix. *n_reused (may be NULL): the
 * tokens that need no computation. Fails: as append. Since 0.1. */
HADAL_API hadal_status hadal_session_sync(hadal_session *session, const hadal_token *tokens, size_t n, size_t *n_reused,
                                          hadal_error *err);

/* Adds tokens[n] at the end and reserves their room. Fails: INVALID_ARGUMENT (an id), CONTEXT_FULL (no positions),
 * OUT_OF_MEMORY (no budget). Since 0.1. */
HADAL_API hadal_status hadal_session_append(hadal_session *session, const hadal_token *tokens, size_t n,
                                            hadal_error *err);

/* Keeps the first n_tokens. Fails: INVALID_ARGUMENT (more than there are). Since 0.1. */
HADAL_API hadal_status hadal_session_truncate(hadal_session *session, size_t n_tokens, hadal_error *err);

/* Tokens in the timeline. Fails: BUSY. Since 0.1. */
HADAL_API hadal_status hadal_session_length(const hadal_session *session, size_t *n, hadal_error *err);

/* Copies the tokens from index first on. *n: how many there are from first.
 * Fails: INVALID_ARGUMENT (first is beyond the end), BUFFER_TOO_SMALL, BUSY. Since 0.1. */
HADAL_API hadal_status hadal_session_tokens(const hadal_session *session, size_t first, hadal_token *out, size_t cap,
                                            size_t *n, hadal_error *err);

enum { HADAL_LOGITS_LAST = 0, HADAL_LOGITS_NONE = 1, HADAL_LOGITS_ALL = 2 };

/* Growing. */
typedef struct hadal_run_options {
    uint32_t struct_size;
    int32_t logits; /* HADAL_LOGITS_*: of which of the newly computed tokens; 0: the last */
    uint32_t chunk; /* rows per run; 0: the session's; not above it */
    uint32_t reserved;
    const hadal_progress *progress; /* tokens computed */
    const hadal_cancel *cancel;
} hadal_run_options;

/* Computes every token that is not computed yet, in runs of chunk rows. What completed runs computed is kept when a
 * later run fails. With LOGITS_LAST the last token's logits are there afterwards, if need be by computing it once more.
 * DONE: there was nothing to compute, and the logits are as before. Fails: CANCELLED, CALLBACK, OUT_OF_MEMORY (logits
 * of all tokens do not fit); logits then are those of the runs that completed, or as before if none did but for
 * LOGITS_ALL. Since 0.1. */
HADAL_API hadal_status hadal_session_eval(hadal_session *session, const hadal_run_options *options, hadal_error *err);

/* Copies n rows of n_vocab logits, of the tokens at index first and after, from the last eval; cap in floats.
 * Fails: NOT_FOUND (that eval kept no logits of one of them), BUFFER_TOO_SMALL. Since 0.1. */
HADAL_API hadal_status hadal_session_logits(const hadal_session *session, size_t first, size_t n, float *out,
                                            size_t cap, hadal_error *err);

/* ---- Generator --------------------------------------------------------------------------------------------------- */

/* Pulls tokens from a session, which it borrows until it is released: meanwhile every call on the session is BUSY. */
typedef struct hadal_generator hadal_generator;

/* Added to one token's logit before sampling; -INFINITY forbids the token. Never changes. */
typedef struct hadal_logit_bias {
    hadal_token token;
    float bias;
} hadal_logit_bias;

/* A piece of text. Never changes. */
typedef struct hadal_text {
    const char *data;
    size_t length; /* bytes */
} hadal_text;

/* How a token is drawn. In this order: bias, penalties, temperature, top_k, top_p, min_p, draw. Growing. */
typedef struct hadal_sampling {
    uint32_t struct_size;
    float temperature; /* 0: greedy (ties go to the lowest id) */
    uint32_t top_k;    /* keep the k most likely; 0: off */
    float top_p;       /* keep the fewest whose probabilities reach top_p (arXiv:1904.09751); 0: off; <= 1 */
    float min_p;       /* keep those at least min_p times the likeliest (arXiv:2407.01082); 0: off; <= 1 */
    /* Divides positive, multiplies negative logits of tokens seen (arXiv:1909.05858); 0: off. */
    float repetition_penalty;
    float presence_penalty;  /* subtracted once from tokens seen; 0: off */
    float frequency_penalty; /* subtracted per occurrence; 0: off */
    uint32_t penalty_window; /* newest tokens of the timeline that count as seen; 0: all */
    uint32_t reserved;
    uint64_t seed; /* same seed, same tokens */
    const hadal_logit_bias *logit_bias;
    size_t n_logit_bias;
} hadal_sampling;

/* Everything in it is copied by create. Growing. */
typedef struct hadal_generate_options {
    uint32_t struct_size;
    uint32_t ignore_eos;            /* 1: the vocabulary's end tokens do not stop */
    uint64_t max_tokens;            /* 0: until a stop or the end of the context */
    const hadal_sampling *sampling; /* NULL: greedy */
    const hadal_token *stop_tokens; /* beside the vocabulary's own; the one that stops is not in the text */
    size_t n_stop_tokens;
    const hadal_text *stop_strings; /* found also when split over tokens; not part of the text; need a tokenizer */
    size_t n_stop_strings;
    const hadal_cancel *cancel; /* triggered, it ends every next that has to compute */
    /* Reports tokens computed: of the prompt, then of every step. Its user must live as long as the generator. */
    const hadal_progress *progress;
    /* Events then are REASONING, CONTENT, TOOL_CALL_* and STOP instead of TOKEN; needs a tokenizer. Copied, like all
     * else, in the state it has. NULL: none. */
    const hadal_chat_parser *parser;
} hadal_generate_options;

/* Borrows the session. The timeline must hold at least one token. Fails: INVALID_ARGUMENT (a sampling value, an id, an
 * empty timeline, a parser whose answer is over), BUSY (another generator), UNSUPPORTED (stop strings or a parser
 * without a tokenizer). Since 0.1. */
HADAL_API hadal_status hadal_generator_create(hadal_session *session, const hadal_generate_options *options,
                                              hadal_generator **out, hadal_error *err);

/* Computes until there is an event. OK: one event. DONE: the stop event was already given. A drawn token is appended to
 * the session; an end or stop token is not. After a failure the session holds what it held before the call, and the
 * call may be repeated. With a parser one call may draw several tokens; those before the failure stay, and their events
 * come. Fails: CANCELLED, CALLBACK, OUT_OF_MEMORY; BAD_FORMAT (weights that give no finite logit).
 * Since 0.1. */
HADAL_API hadal_status hadal_generator_next(hadal_generator *generator, hadal_event *out, hadal_error *err);

/* Growing. */
typedef struct hadal_stats {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t prefill_tokens; /* computed before the first token was drawn */
    uint64_t prefill_ns;
    uint64_t decode_tokens; /* computed after it */
    uint64_t decode_ns;
    uint64_t sample_ns;
    uint64_t copied_bytes; /* between devices */
} hadal_stats;

/* Counts and times of every call of hadal_generator_next so far.
 * Fails: INVALID_ARGUMENT, NEWER_STRUCT (struct_size). Since 0.1. */
HADAL_API hadal_status hadal_generator_stats(const hadal_generator *generator, hadal_stats *out, hadal_error *err);

/* Gives the session back. Since 0.1. */
HADAL_API void hadal_generator_release(hadal_generator *generator);

/* ---- Files ------------------------------------------------------------------------------------------------------- */

/* Growing. */
typedef struct hadal_convert_options {
    uint32_t struct_size;
    uint32_t overwrite; /* 1: a file of the output's name is replaced */
    /* F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q2_K, Q3_K_S, Q3_K_M, Q3_K_L, Q4_K_S, Q4_K_M, Q5_K_S, Q5_K_M, Q6_K
     * or IQ4_NL; some tensors get another type, as the same name means elsewhere. NULL: BF16. */
    const char *type;
    const hadal_progress *progress; /* bytes of tensors written */
    const hadal_cancel *cancel;
} hadal_convert_options;

/* Writes a checkpoint as one GGUF file. in: a .gguf file, or a folder in Hugging Face form. out appears when it is
 * whole: it is written beside its name, one tensor at a time, and nothing is left of a call that fails. The runtime's
 * threads share the work; the bytes do not depend on how many they are. Keys of a .gguf file are copied.
 * Fails: INVALID_ARGUMENT (no such type; out is a file of in), as hadal_model_inspect, IO (out exists; no room on the
 * disk), BAD_FORMAT (a weight that is not finite, or too large for the type), CANCELLED, CALLBACK. Since 0.1. */
HADAL_API hadal_status hadal_convert(const hadal_runtime *runtime, const char *in, const char *out,
                                     const hadal_convert_options *options, hadal_error *err);

#ifdef __cplusplus
}
#endif

#endif
