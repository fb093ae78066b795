// hadal selftest: does this build, on this machine, compute what it should? Plankton, and what transformers says of it.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <hadal/hadal.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "command.h"
#include "json_text.h"
#include "model_arguments.h"
#include "output.h"
#include "text_file.h"

namespace command {
namespace {

using Json = nlohmann::ordered_json;

struct SelftestArguments {
    uint32_t threads = 0;
    size_t n_sums = 20;
};

struct Outcome {
    bool is_right;
    std::string text;  ///< what was found, in a few words
};

/// The model on one device, and what is known of it: plankton.json, which examples/plankton/make_truth.py writes.
class Subject {
public:
    Subject(const hadal::Runtime &runtime, const std::string &backend, const Json &truth, size_t n_sums)
        : truth_(truth), n_sums_(n_sums), model_(open(runtime, backend)) {}

    Outcome tokenizer() const {
        for (const Json &each : truth_.at("tokenizer")) {
            const std::string text = each.at("text");
            const std::vector<hadal::Token> ids = tokenizer_.encode(text);
            if (ids != each.at("ids").get<std::vector<hadal::Token>>()) return {false, "other ids"};
            if (tokenizer_.decode(ids) != text) return {false, "other text"};
        }
        return {true, "ok"};
    }

    Outcome chat_template() const {
        for (const Json &each : truth_.at("template")) {
            if (format_.render(each.at("request").dump()) != each.at("text")) return {false, "other text"};
        }
        return {true, "ok"};
    }

    /// The largest difference, as a share of the largest logit.
    Outcome logits() const {
        double worst = 0;
        for (const Json &each : truth_.at("logits")) {
            const auto ids = each.at("ids").get<std::vector<hadal::Token>>();
            hadal::Session session = model_.session();
            session.append(ids);
            session.eval();
            const std::vector<float> found = session.logits(ids.size() - 1);
            for (size_t i = 0; i < each.at("tokens").size(); ++i) {
                const double wanted = each.at("values").at(i);
                const double difference = std::abs(found.at(each.at("tokens").at(i).get<size_t>()) - wanted);
                worst = std::max(worst, difference / each.at("largest").get<double>());
                if (!std::isfinite(difference)) return {false, "not finite"};
            }
        }
        constexpr double kTolerance = 1e-3;
        char text[32];
        std::snprintf(text, sizeof text, "%.0e apart", worst);
        return {worst <= kTolerance, text};
    }

    /// Asked in the chat's format, read by its parser: nothing may be wrong on the way.
    Outcome sums() const {
        const size_t n = std::min(n_sums_, truth_.at("sums").size());
        size_t n_right = 0;
        for (size_t i = 0; i < n; ++i) {
            const Json &sum = truth_.at("sums").at(i);
            n_right += answer_to(sum.at(0)) == "\n\n" + sum.at(1).get<std::string>() ? 1 : 0;
        }
        return {n_right * 100 >= n * 95, std::to_string(n_right) + " of " + std::to_string(n)};
    }

private:
    static hadal::Model open(const hadal::Runtime &runtime, const std::string &backend) {
        hadal::ModelOptions options;
        options.backend = backend;
        options.fallback = hadal::Fallback::forbid;
        options.kv_type = hadal::KvType::f32;
        return runtime.open(hadal::sample_model_path(), options);
    }

    std::string answer_to(const std::string &question) const {
        const std::string request = Json{{"messages", {{{"role", "user"}, {"content", question}}}}}.dump();
        hadal::Session session = model_.session();
        session.append(format_.tokenize(tokenizer_, request));
        const hadal::ChatParser parser = format_.parser(request);
        hadal::GenerateOptions options;
        options.parser = &parser;
        options.max_tokens = truth_.at("max_tokens");
        std::string content;
        for (const hadal::Event &event : session.generate(options)) {
            if (event.kind == hadal::EventKind::content) content += event.text;
        }
        return content;
    }

    const Json &truth_;
    const size_t n_sums_;
    hadal::Model model_;
    hadal::Tokenizer tokenizer_ = model_.tokenizer();
    hadal::ChatFormat format_ = model_.chat_format();
};

struct Check {
    const char *name;
    Outcome (Subject::*run)() const;
};
constexpr Check kChecks[] = {{"tokenizer", &Subject::tokenizer},
                             {"template", &Subject::chat_template},
                             {"logits", &Subject::logits},
                             {"sums", &Subject::sums}};

void print_row(const std::string &name, const std::vector<std::string> &cells) {
    std::string row = name + std::string(12 - std::min<size_t>(name.size(), 11), ' ');
    for (const std::string &cell : cells) row += cell + std::string(16 - std::min<size_t>(cell.size(), 15), ' ');
    output().write(row.substr(0, row.find_last_not_of(' ') + 1) + "\n");
}

std::string beside(std::string path, const std::string &name) {
    return path.substr(0, path.rfind('/') + 1) + name;
}

int selftest(const SelftestArguments &arguments) {
    const std::string truth_path = beside(hadal::sample_model_path(), "plankton.json");
    const Json truth = parse_json<Json>(read_text_file(truth_path), truth_path);
    hadal::RuntimeOptions options;
    options.threads = arguments.threads;
    options.log = write_log;
    const hadal::Runtime runtime(options);
    std::vector<std::string> backends;
    for (const hadal::DeviceInfo &device : runtime.devices()) {
        const bool is_new = std::find(backends.begin(), backends.end(), device.backend) == backends.end();
        if (is_new) backends.emplace_back(device.backend);
    }
    std::vector<std::unique_ptr<Subject>> subjects;
    for (const std::string &backend : backends) {
        subjects.push_back(std::make_unique<Subject>(runtime, backend, truth, arguments.n_sums));
    }
    print_row("", backends);
    bool all_right = true;
    for (const Check &check : kChecks) {
        std::vector<std::string> cells;
        for (const auto &subject : subjects) {
            const Outcome outcome = ((*subject).*check.run)();
            cells.push_back(outcome.is_right ? outcome.text : "WRONG: " + outcome.text);
            all_right = all_right && outcome.is_right;
        }
        print_row(check.name, cells);
    }
    if (!all_right) std::fputs("hadal: this build does not compute what it should on this machine\n", stderr);
    return all_right ? kSuccess : kFailure;
}

}  // namespace

Subcommand add_selftest(CLI::App &parent) {
    CLI::App *app = parent.add_subcommand("selftest", "Check this build on this machine, with Plankton");
    auto arguments = std::make_shared<SelftestArguments>();
    app->add_option("--threads", arguments->threads, "CPU threads; 0: one per physical core");
    app->add_option("--sums", arguments->n_sums, "How many sums to ask")->check(CLI::Range(1, 500));
    return {app, [arguments] { return selftest(*arguments); }};
}

}  // namespace command
