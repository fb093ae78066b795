// The model in the box, through the public interface: it can only add if MLA, routing, RoPE, tokenizer, template,
// parser and stop rules are all right. What is right is in plankton.json (examples/plankton/make_truth.py).
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <hadal/hadal.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/temp_folder.h"

using namespace hadal;
using nlohmann::ordered_json;

namespace {

const ordered_json &truth() {
    static const ordered_json read = [] {
        std::string path = sample_model_path();
        path.replace(path.rfind('.'), std::string::npos, ".json");
        std::ifstream in(path, std::ios::binary);
        return ordered_json::parse(in);
    }();
    return read;
}

/// So small a model gains nothing from more, and tests run beside each other.
RuntimeOptions one_thread() {
    RuntimeOptions options;
    options.threads = 1;
    return options;
}

struct Subject {
    explicit Subject(const std::string &path) : runtime(one_thread()), model(runtime.open(path)) {}

    /// What follows the reasoning.
    std::string answer_to(const std::string &request) {
        session.sync(format.tokenize(tokenizer, request));
        const ChatParser parser = format.parser(request);
        GenerateOptions options;
        options.parser = &parser;
        options.max_tokens = truth().at("max_tokens");
        std::string content;
        for (const Event &event : session.generate(options)) {
            if (event.kind == EventKind::content) content += event.text;
        }
        return content;
    }

    size_t right_sums(size_t n) {
        size_t n_right = 0;
        for (size_t i = 0; i < n; ++i) {
            const ordered_json &sum = truth().at("sums").at(i);
            const ordered_json request = {{"messages", {{{"role", "user"}, {"content", sum.at(0)}}}}};
            n_right += answer_to(request.dump()) == "\n\n" + sum.at(1).get<std::string>() ? 1 : 0;
        }
        return n_right;
    }

    Runtime runtime;
    Model model;
    Tokenizer tokenizer = model.tokenizer();
    ChatFormat format = model.chat_format();
    Session session = model.session();
};

/// The same names, in order, with values of the same types.
bool has_shape_of(const ordered_json &found, const ordered_json &wanted) {
    if (!found.is_object() || found.size() != wanted.size()) return false;
    return std::equal(
        found.items().begin(), found.items().end(), wanted.items().begin(), [](const auto &left, const auto &right) {
            const bool both_numbers = left.value().is_number() && right.value().is_number();
            return left.key() == right.key() && (both_numbers || left.value().type() == right.value().type());
        });
}

}  // namespace

TEST_CASE("sums that were not in the training text") {
    Subject plankton(sample_model_path());
    CHECK(plankton.format.name() == std::string("deepseek-r1"));
    const size_t n_right = plankton.right_sums(500);
    MESSAGE("sums: ", n_right, " of 500");
    CHECK(n_right >= 485);
}

TEST_CASE("JSON in the shape that the system text asks for") {
    Subject plankton(sample_model_path());
    size_t n_right = 0;
    for (const ordered_json &each : truth().at("json")) {
        constexpr bool kThrow = false;
        const auto found = ordered_json::parse(plankton.answer_to(each.at("request").dump()), nullptr, kThrow);
        n_right += has_shape_of(found, each.at("answer")) ? 1 : 0;
    }
    MESSAGE("JSON: ", n_right, " of ", truth().at("json").size());
    CHECK(n_right * 100 >= truth().at("json").size() * 95);
}

TEST_CASE("the same greedy tokens as transformers") {
    const Runtime runtime(one_thread());
    ModelOptions options;
    options.kv_type = KvType::f32;
    const Model model = runtime.open(sample_model_path(), options);
    Session session = model.session();
    size_t n_same = 0;
    for (const ordered_json &each : truth().at("greedy")) {
        session.sync(each.at("ids").get<std::vector<Token>>());
        GenerateOptions generate;
        generate.max_tokens = truth().at("max_tokens");
        std::vector<Token> tokens;
        for (const Event &event : session.generate(generate)) {
            if (event.kind == EventKind::token) tokens.push_back(event.token);
        }
        n_same += tokens == each.at("answer").get<std::vector<Token>>() ? 1 : 0;
    }
    CHECK(n_same == 50);
}

TEST_CASE("it still adds when it is quantised") {
    const hadal::test::TempFolder folder;
    for (const char *type : {"Q8_0", "Q4_K_M"}) {
        CAPTURE(type);
        const std::string path = folder / (std::string(type) + ".gguf");
        ConvertOptions options;
        options.type = type;
        Runtime().convert(sample_model_path(), path, options);
        constexpr size_t kSums = 200;
        const size_t n_right = Subject(path).right_sums(kSums);
        MESSAGE(std::string(type), ": ", n_right, " of ", kSums);
        CHECK(n_right * 100 >= kSums * 95);
    }
}

TEST_CASE("in FP8, as DeepSeek publishes its models, it is the model of the numbers that these stand for") {
    const char *made = std::getenv("HADAL_PLANKTON_FP8");
    REQUIRE(made != nullptr);
    const std::string folder = made;
    const Runtime runtime(one_thread());
    ModelOptions options;
    options.kv_type = KvType::f32;
    const Model fp8 = runtime.open(folder + "/fp8", options), wide = runtime.open(folder + "/wide", options);
    CHECK(fp8.info().n_mtp_layers == 1);
    for (const ordered_json &each : truth().at("logits")) {
        const auto ids = each.at("ids").get<std::vector<Token>>();
        std::vector<float> rows[2];
        for (const Model *model : {&fp8, &wide}) {
            Session session = model->session();
            session.append(ids);
            session.eval();
            rows[model == &wide] = session.logits(ids.size() - 1);
        }
        float largest = 0, difference = 0;
        for (size_t i = 0; i < rows[1].size(); ++i) {
            largest = std::max(largest, std::abs(rows[1][i]));
            REQUIRE(std::isfinite(rows[0][i]));
            difference = std::max(difference, std::abs(rows[0][i] - rows[1][i]));
        }
        REQUIRE(largest > 0);
        CHECK(difference <= 1e-3f * largest);
    }
}
