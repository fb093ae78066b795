// hadal.hpp - hadal.h for C++17: the same nouns as move-only values, the same rules, nothing but the standard library.
//
// Every function throws hadal::Error when it fails, and has a twin, try_..., that returns a hadal::Result instead.
// Everything here is a few lines over the C functions, whose comments in hadal.h hold: what const means for threads,
// what zero means in options, which text is valid until when. Strings are UTF-8.
//
//     hadal::Runtime runtime;
//     hadal::Model model = runtime.open("model.gguf");
//     hadal::Session session = model.session();
//     session.append(model.tokenizer().encode("Once upon a time", {/* add_special */ true}));
//     for (const hadal::Event &event : session.generate()) std::cout << event.text << std::flush;
#ifndef HADAL_HADAL_HPP
#define HADAL_HADAL_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hadal/facade/core.hpp"
#include "hadal/facade/text.hpp"
#include "hadal/hadal.h"

namespace hadal {

// ---- Generator ------------------------------------------------------------------------------------------------------

using LogitBias = hadal_logit_bias;
using Stats = hadal_stats;

/// hadal_sampling; every zero is "off".
struct Sampling {
    float temperature = 0;
    uint32_t top_k = 0;
    float top_p = 0;
    float min_p = 0;
    float repetition_penalty = 0;
    float presence_penalty = 0;
    float frequency_penalty = 0;
    uint32_t penalty_window = 0;
    uint64_t seed = 0;
    std::vector<LogitBias> logit_bias;
};

struct GenerateOptions {
    uint64_t max_tokens = 0;  ///< 0: until a stop or the end of the context
    Sampling sampling;
    bool ignore_eos = false;
    std::vector<Token> stop_tokens;
    std::vector<std::string> stop_strings;
    const Cancel *cancel = nullptr;
    Progress progress;                   ///< of the prompt and of every step
    const ChatParser *parser = nullptr;  ///< copied; events are then what it reads
};

/// Borrows a session until it is destroyed. A range of events, to be walked once.
class Generator : public detail::Owner<hadal_generator, hadal_generator_release> {
public:
    using Owner::Owner;
    static Result<Generator> try_create(hadal_session *session, const GenerateOptions &options);

    /// nullopt: the stop event was already given.
    std::optional<Event> next() { return try_next().value(); }
    Result<std::optional<Event>> try_next() {
        auto event = detail::sized<hadal_event>();
        auto result = detail::call(hadal_generator_next, get(), &event);
        if (progress_) progress_->rethrow();
        return detail::event_of(result, event);
    }

    Stats stats() const { return try_stats().value(); }
    Result<Stats> try_stats() const {
        auto stats = detail::sized<hadal_stats>();
        auto result = detail::run(hadal_generator_stats, get(), &stats);
        if (!result) return result.error();
        return stats;
    }

    class Iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = Event;
        using difference_type = std::ptrdiff_t;
        using pointer = const Event *;
        using reference = const Event &;

        Iterator() = default;
        explicit Iterator(Generator *generator) : generator_(generator) { ++*this; }
        reference operator*() const { return *event_; }
        pointer operator->() const { return &*event_; }
        Iterator &operator++() {
            event_ = generator_->next();
            return *this;
        }
        void operator++(int) { ++*this; }
        /// Only the end is worth comparing with.
        bool operator==(const Iterator &other) const { return event_.has_value() == other.event_.has_value(); }
        bool operator!=(const Iterator &other) const { return !(*this == other); }

    private:
        Generator *generator_ = nullptr;
        std::optional<Event> event_;
    };
    Iterator begin() { return Iterator(this); }
    Iterator end() { return {}; }

private:
    std::unique_ptr<detail::ProgressCall> progress_;
};

inline Result<Generator> Generator::try_create(hadal_session *session, const GenerateOptions &options) {
    const Sampling &from = options.sampling;
    auto sampling = detail::sized<hadal_sampling>();
    sampling.temperature = from.temperature;
    sampling.top_k = from.top_k;
    sampling.top_p = from.top_p;
    sampling.min_p = from.min_p;
    sampling.repetition_penalty = from.repetition_penalty;
    sampling.presence_penalty = from.presence_penalty;
    sampling.frequency_penalty = from.frequency_penalty;
    sampling.penalty_window = from.penalty_window;
    sampling.seed = from.seed;
    sampling.logit_bias = from.logit_bias.data();
    sampling.n_logit_bias = from.logit_bias.size();

    std::vector<hadal_text> stop_strings;
    for (const std::string &text : options.stop_strings) stop_strings.push_back({text.data(), text.size()});
    auto progress = std::make_unique<detail::ProgressCall>(options.progress);

    auto given = detail::sized<hadal_generate_options>();
    given.ignore_eos = options.ignore_eos ? 1 : 0;
    given.max_tokens = options.max_tokens;
    given.sampling = &sampling;
    given.stop_tokens = options.stop_tokens.data();
    given.n_stop_tokens = options.stop_tokens.size();
    given.stop_strings = stop_strings.data();
    given.n_stop_strings = stop_strings.size();
    given.cancel = options.cancel ? options.cancel->get() : nullptr;
    given.progress = progress->get();
    given.parser = options.parser ? options.parser->get() : nullptr;
    auto generator = detail::create<Generator>(hadal_generator_create, session, &given);
    if (generator) generator->progress_ = std::move(progress);
    return generator;
}

// ---- Session --------------------------------------------------------------------------------------------------------

enum class Logits : int32_t { last = HADAL_LOGITS_LAST, none = HADAL_LOGITS_NONE, all = HADAL_LOGITS_ALL };

struct SessionOptions {
    uint64_t context = 0;  ///< tokens; 0: the trained length, or what the budget allows
    uint32_t chunk = 0;
    bool extend = false;  ///< context may exceed the trained length
    uint64_t memory_budget = 0;
};

struct RunOptions {
    Logits logits = Logits::last;
    uint32_t chunk = 0;
    Progress progress;
    const Cancel *cancel = nullptr;
};

/// One timeline of tokens.
class Session : public detail::Owner<hadal_session, hadal_session_release> {
public:
    /// n_vocab: of its model.
    Session(hadal_session *handle, size_t n_vocab) : Owner(handle), n_vocab_(n_vocab) {}

    /// How many tokens need no computation.
    size_t sync(Tokens tokens) { return try_sync(tokens).value(); }
    Result<size_t> try_sync(Tokens tokens) {
        size_t n_reused = 0;
        auto result = detail::run(hadal_session_sync, get(), tokens.data(), tokens.size(), &n_reused);
        if (!result) return result.error();
        return n_reused;
    }

    void append(Tokens tokens) { try_append(tokens).value(); }
    Result<void> try_append(Tokens tokens) {
        return detail::run(hadal_session_append, get(), tokens.data(), tokens.size());
    }

    void truncate(size_t n_tokens) { try_truncate(n_tokens).value(); }
    Result<void> try_truncate(size_t n_tokens) { return detail::run(hadal_session_truncate, get(), n_tokens); }

    size_t length() const { return try_length().value(); }
    Result<size_t> try_length() const {
        size_t n = 0;
        auto result = detail::run(hadal_session_length, get(), &n);
        if (!result) return result.error();
        return n;
    }

    /// The tokens from first on.
    std::vector<Token> tokens(size_t first = 0) const { return try_tokens(first).value(); }
    Result<std::vector<Token>> try_tokens(size_t first = 0) const {
        return detail::read<std::vector<Token>>(0, hadal_session_tokens, get(), first);
    }

    /// false: there was nothing to compute.
    bool eval(const RunOptions &options = {}) { return try_eval(options).value(); }
    Result<bool> try_eval(const RunOptions &options = {}) {
        detail::ProgressCall progress(options.progress);
        auto given = detail::sized<hadal_run_options>();
        given.logits = static_cast<int32_t>(options.logits);
        given.chunk = options.chunk;
        given.progress = progress.get();
        given.cancel = options.cancel ? options.cancel->get() : nullptr;
        auto result = detail::call(hadal_session_eval, get(), &given);
        progress.rethrow();
        if (!result) return result.error();
        return *result == Status::ok;
    }

    /// n rows of n_vocab logits, of the tokens at first and after.
    std::vector<float> logits(size_t first, size_t n = 1) const { return try_logits(first, n).value(); }
    Result<std::vector<float>> try_logits(size_t first, size_t n = 1) const {
        std::vector<float> out;
        // Rows that no session can hold are for the library to refuse, before room is made for them.
        if (auto length = try_length(); length && n <= *length) out.resize(n * n_vocab_);
        auto result = detail::run(hadal_session_logits, get(), first, n, out.data(), out.size());
        if (!result) return result.error();
        return out;
    }

    Generator generate(const GenerateOptions &options = {}) { return try_generate(options).value(); }
    Result<Generator> try_generate(const GenerateOptions &options = {}) {
        return Generator::try_create(get(), options);
    }

private:
    size_t n_vocab_;
};

// ---- Model ----------------------------------------------------------------------------------------------------------

using ModelInfo = hadal_model_info;
using Requirements = hadal_requirements;

enum class Load : int32_t { mmap = HADAL_LOAD_MMAP, read = HADAL_LOAD_READ };
enum class KvType : int32_t { bf16 = HADAL_KV_BF16, f32 = HADAL_KV_F32 };
enum class Fallback : int32_t { allow = HADAL_FALLBACK_ALLOW, forbid = HADAL_FALLBACK_FORBID };

struct ModelOptions {
    Load load = Load::mmap;
    std::string backend;  ///< empty: plug-ins, then cpu
    Fallback fallback = Fallback::allow;
    KvType kv_type = KvType::bf16;
    uint64_t memory_budget = 0;
    Progress progress;
    const Cancel *cancel = nullptr;
};

/// Immutable; shared by sessions on any threads.
class Model : public detail::Owner<hadal_model, hadal_model_release> {
public:
    using Owner::Owner;

    ModelInfo info() const { return try_info().value(); }
    Result<ModelInfo> try_info() const {
        auto info = detail::sized<hadal_model_info>();
        auto result = detail::run(hadal_model_get_info, get(), &info);
        if (!result) return result.error();
        return info;
    }

    /// One metadata value as text: "general.name", "rope_scaling.factor".
    std::string meta(const std::string &key) const { return try_meta(key).value(); }
    Result<std::string> try_meta(const std::string &key) const {
        return detail::read<std::string>(64, hadal_model_meta, get(), key.c_str());
    }

    /// What runs where, and why not elsewhere.
    std::string plan_json() const { return try_plan_json().value(); }
    Result<std::string> try_plan_json() const { return detail::read<std::string>(0, hadal_model_plan_json, get()); }

    Tokenizer tokenizer() const { return try_tokenizer().value(); }
    Result<Tokenizer> try_tokenizer() const { return detail::create<Tokenizer>(hadal_model_tokenizer, get()); }

    /// As its files say.
    ChatFormat chat_format() const { return try_chat_format().value(); }
    Result<ChatFormat> try_chat_format() const { return detail::create<ChatFormat>(hadal_model_chat_format, get()); }

    Session session(const SessionOptions &options = {}) const { return try_session(options).value(); }
    Result<Session> try_session(const SessionOptions &options = {}) const {
        auto given = detail::sized<hadal_session_options>();
        given.context = options.context;
        given.chunk = options.chunk;
        given.extend = options.extend ? 1 : 0;
        given.memory_budget = options.memory_budget;
        auto info = try_info();
        if (!info) return info.error();
        hadal_session *handle = nullptr;
        auto result = detail::run(hadal_session_create, get(), &given, &handle);
        if (!result) return result.error();
        return Session(handle, info->n_vocab);
    }
};

// ---- Runtime --------------------------------------------------------------------------------------------------------

struct ConvertOptions {
    std::string type;        ///< "Q4_K_M", ...; empty: BF16
    bool overwrite = false;  ///< a file of the output's name is replaced
    Progress progress;
    const Cancel *cancel = nullptr;
};

using DeviceInfo = hadal_device_info;

enum class LogLevel : int32_t {
    error = HADAL_LOG_ERROR,
    warning = HADAL_LOG_WARNING,
    info = HADAL_LOG_INFO,
    debug = HADAL_LOG_DEBUG,
};

struct LogMessage {
    LogLevel level;
    std::string text;
};

struct RuntimeOptions {
    uint32_t threads = 0;  ///< 0: one per physical core
    uint64_t memory_budget = 0;
    const hadal_allocator *allocator = nullptr;
    /// As in C, because any thread may call it until the last handle of the runtime is gone. Null: see poll_log.
    void (*log)(void *user, int32_t level, const char *message, size_t length) = nullptr;
    void *log_user = nullptr;
    LogLevel log_level = LogLevel::warning;
};

/// What a checkpoint is, and the memory it needs.
struct Inspection {
    ModelInfo info;
    Requirements requirements;
};

/// Devices, threads, memory budget and log.
class Runtime : public detail::Owner<hadal_runtime, hadal_runtime_release> {
public:
    using Owner::Owner;
    explicit Runtime(const RuntimeOptions &options = {}) : Runtime(try_create(options).value()) {}
    static Result<Runtime> try_create(const RuntimeOptions &options = {}) {
        auto given = detail::sized<hadal_runtime_options>();
        given.threads = options.threads;
        given.memory_budget = options.memory_budget;
        given.allocator = options.allocator;
        given.log = options.log;
        given.log_user = options.log_user;
        given.log_level = static_cast<int32_t>(options.log_level);
        return detail::create<Runtime>(hadal_runtime_create, &given);
    }

    /// Loads a chip's plug-in from exactly this path.
    void load_backend(const std::string &path) { try_load_backend(path).value(); }
    Result<void> try_load_backend(const std::string &path) {
        return detail::run(hadal_runtime_load_backend, get(), path.c_str());
    }

    /// In order of preference.
    std::vector<DeviceInfo> devices() const { return try_devices().value(); }
    Result<std::vector<DeviceInfo>> try_devices() const {
        std::vector<DeviceInfo> devices(hadal_runtime_device_count(get()), detail::sized<hadal_device_info>());
        for (size_t i = 0; i < devices.size(); ++i) {
            auto result = detail::run(hadal_runtime_device_info, get(), i, &devices[i]);
            if (!result) return result.error();
        }
        return devices;
    }

    /// The oldest waiting log message; nullopt: none is waiting.
    std::optional<LogMessage> poll_log() const { return try_poll_log().value(); }
    Result<std::optional<LogMessage>> try_poll_log() const {
        int32_t level = 0;
        std::string text(256, '\0');
        for (;;) {
            size_t length = 0;
            auto result = detail::call(hadal_runtime_log_poll, get(), &level, text.data(), text.size(), &length);
            if (result && *result == Status::done) return std::optional<LogMessage>();
            if (!result && result.error().status() != Status::buffer_too_small) return result.error();
            text.resize(length);
            if (result) return std::optional<LogMessage>({static_cast<LogLevel>(level), std::move(text)});
        }
    }

    /// Reads headers only.
    Inspection inspect(const std::string &path, const ModelOptions &options = {}) const {
        return try_inspect(path, options).value();
    }
    Result<Inspection> try_inspect(const std::string &path, const ModelOptions &options = {}) const {
        Inspection out = {detail::sized<hadal_model_info>(), detail::sized<hadal_requirements>()};
        detail::ProgressCall progress(options.progress);
        const hadal_model_options given = c_options(options, progress);
        auto result = detail::run(hadal_model_inspect, get(), path.c_str(), &given, &out.info, &out.requirements);
        progress.rethrow();
        if (!result) return result.error();
        return out;
    }

    /// path: a .gguf file, or a folder in Hugging Face form.
    Model open(const std::string &path, const ModelOptions &options = {}) const {
        return try_open(path, options).value();
    }
    Result<Model> try_open(const std::string &path, const ModelOptions &options = {}) const {
        detail::ProgressCall progress(options.progress);
        const hadal_model_options given = c_options(options, progress);
        auto model = detail::create<Model>(hadal_model_open, get(), path.c_str(), &given);
        progress.rethrow();
        return model;
    }

    /// A vocabulary, with or without weights beside it.
    Tokenizer open_tokenizer(const std::string &path) const { return try_open_tokenizer(path).value(); }
    Result<Tokenizer> try_open_tokenizer(const std::string &path) const {
        return detail::create<Tokenizer>(hadal_tokenizer_open, get(), path.c_str());
    }

    /// A chat format built in, by its name; or as a model's files, or a .jinja file, say.
    ChatFormat open_chat_format(const std::string &path_or_name) const {
        return try_open_chat_format(path_or_name).value();
    }
    Result<ChatFormat> try_open_chat_format(const std::string &path_or_name) const {
        return detail::create<ChatFormat>(hadal_chat_format_open, get(), path_or_name.c_str());
    }

    /// Writes the checkpoint in as the GGUF file out, which appears when it is whole.
    void convert(const std::string &in, const std::string &out, const ConvertOptions &options = {}) const {
        try_convert(in, out, options).value();
    }
    Result<void> try_convert(const std::string &in, const std::string &out, const ConvertOptions &options = {}) const {
        detail::ProgressCall progress(options.progress);
        auto given = detail::sized<hadal_convert_options>();
        given.overwrite = options.overwrite ? 1 : 0;
        given.type = options.type.empty() ? nullptr : options.type.c_str();
        given.progress = progress.get();
        given.cancel = options.cancel ? options.cancel->get() : nullptr;
        auto result = detail::run(hadal_convert, get(), in.c_str(), out.c_str(), &given);
        progress.rethrow();
        return result;
    }

private:
    static hadal_model_options c_options(const ModelOptions &options, const detail::ProgressCall &progress) {
        auto given = detail::sized<hadal_model_options>();
        given.load = static_cast<int32_t>(options.load);
        given.backend = options.backend.empty() ? nullptr : options.backend.c_str();
        given.fallback = static_cast<int32_t>(options.fallback);
        given.kv_type = static_cast<int32_t>(options.kv_type);
        given.memory_budget = options.memory_budget;
        given.progress = progress.get();
        given.cancel = options.cancel ? options.cancel->get() : nullptr;
        return given;
    }
};

}  // namespace hadal

#endif
