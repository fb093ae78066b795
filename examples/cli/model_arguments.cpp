#include "model_arguments.h"

#include <cstdio>

#include "progress_bar.h"

namespace command {

void write_log(void *, int32_t level, const char *message, size_t length) {
    std::fprintf(stderr, "hadal: %s: %.*s\n", level == HADAL_LOG_ERROR ? "error" : "warning", static_cast<int>(length),
                 message);
}

void ModelArguments::add_to(CLI::App &app, Model without) {
    const bool is_required = without == Model::required;
    const std::string what = "A .gguf file, or a folder in Hugging Face form";
    app.add_option("MODEL", path, is_required ? what : what + "; without one: Plankton, which comes with Hadal")
        ->required(is_required);
    app.add_option("--backend", backend, "Where to compute: cpu, reference, or what a plug-in calls itself");
    app.add_option("--threads", threads, "CPU threads; 0: one per physical core");
    app.add_option("--kv-type", kv_type, "Element type of the cache: bf16 or f32")
        ->check(CLI::IsMember({"bf16", "f32"}));
    app.add_option("--load", load, "mmap the weights, or read them into memory")
        ->check(CLI::IsMember({"mmap", "read"}));
    app.add_option("--memory-budget", memory_budget, "Bytes, or 512MB, 2GB, ...; 0: no cap")
        ->transform(CLI::AsSizeValue(false));
}

std::string ModelArguments::model_path() const {
    return path.empty() ? hadal::sample_model_path() : path;
}

hadal::Runtime ModelArguments::make_runtime() const {
    hadal::RuntimeOptions options;
    options.threads = threads;
    options.memory_budget = memory_budget;
    options.log = write_log;
    return hadal::Runtime(options);
}

hadal::ModelOptions ModelArguments::options() const {
    hadal::ModelOptions options;
    options.backend = backend;
    options.kv_type = kv_type == "f32" ? hadal::KvType::f32 : hadal::KvType::bf16;
    options.load = load == "read" ? hadal::Load::read : hadal::Load::mmap;
    return options;
}

hadal::Model ModelArguments::open(const hadal::Runtime &runtime, const Interrupt &interrupt) const {
    ProgressBar bar("loading");
    hadal::ModelOptions with_progress = options();
    with_progress.progress = bar.progress();
    with_progress.cancel = interrupt.cancel();
    return runtime.open(model_path(), with_progress);
}

}  // namespace command
