// hadal logits: the logits at every position of a list of token ids, as raw float32.
#include <algorithm>
#include <cerrno>
#include <fstream>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "command.h"
#include "ids_file.h"
#include "interrupt.h"
#include "model_arguments.h"
#include "progress_bar.h"

namespace command {
namespace {

struct LogitsArguments {
    ModelArguments model;
    std::string ids_file, out_file;
    uint32_t chunk = 0;
    size_t last = 0;  ///< positions; 0: all
};

// Positions whose logits are held at once: 1,024 rows of 128k floats are half a gigabyte, these are 128 MB.
constexpr size_t kRowsAtOnce = 256;

class FloatFile {
public:
    explicit FloatFile(std::string path) : path_(std::move(path)), out_(path_, std::ios::binary | std::ios::trunc) {
        check();
    }
    void write(const std::vector<float> &values) {
        out_.write(reinterpret_cast<const char *>(values.data()),
                   static_cast<std::streamsize>(values.size() * sizeof(float)));
        check();
    }
    void close() {
        out_.close();
        check();
    }

private:
    void check() const {
        if (!out_) throw std::system_error(errno, std::generic_category(), path_);
    }
    std::string path_;
    std::ofstream out_;
};

int logits(const LogitsArguments &arguments) {
    const std::vector<hadal::Token> ids = read_ids_file(arguments.ids_file);
    const size_t n_unwanted = arguments.last == 0 ? 0 : ids.size() - std::min(arguments.last, ids.size());
    const Interrupt interrupt;
    const hadal::Runtime runtime = arguments.model.make_runtime();
    const hadal::Model model = arguments.model.open(runtime, interrupt);
    hadal::SessionOptions session_options;
    session_options.context = ids.size();
    session_options.chunk = arguments.chunk;
    hadal::Session session = model.session(session_options);
    FloatFile file(arguments.out_file);

    ProgressBar bar("computing");
    hadal::RunOptions run;
    run.cancel = interrupt.cancel();
    if (n_unwanted > 0) {
        session.append({ids.data(), n_unwanted});
        run.logits = hadal::Logits::none;
        run.progress = bar.progress();
        session.eval(run);
    }
    run.logits = hadal::Logits::all;
    run.progress = nullptr;
    for (size_t first = n_unwanted; first < ids.size(); first += kRowsAtOnce) {
        const size_t n = std::min(kRowsAtOnce, ids.size() - first);
        session.append({ids.data() + first, n});
        session.eval(run);
        file.write(session.logits(first, n));
        bar.update(first + n, ids.size());
    }
    file.close();
    return kSuccess;
}

}  // namespace

Subcommand add_logits(CLI::App &parent) {
    CLI::App *app = parent.add_subcommand("logits", "Write the logits at each position of a list of token ids");
    auto arguments = std::make_shared<LogitsArguments>();
    arguments->model.add_to(*app, ModelArguments::Model::required);
    app->add_option("--ids", arguments->ids_file, "File of token ids, separated by spaces, commas or newlines")
        ->required();
    app->add_option("--out", arguments->out_file, "Where to write float32, one row of the vocabulary a position")
        ->required();
    app->add_option("--last", arguments->last, "Only the last N positions; 0: all");
    app->add_option("--chunk", arguments->chunk, "Tokens computed at once; 0: chosen");
    return {app, [arguments] { return logits(*arguments); }};
}

}  // namespace command
