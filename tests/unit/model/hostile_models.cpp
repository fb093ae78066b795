// A whole model with one to three fields changed: it is refused by name, or it opens and computes; it never crashes.
#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "support/engine.h"
#include "support/fields.h"
#include "support/mutator.h"
#include "support/temp_folder.h"
#include "support/tiny_model.h"

using namespace hadal;
using namespace hadal::test;

namespace {

constexpr int kHitsPerField = 100;

/// Small enough that opening and running it ten thousand times is a matter of seconds.
constexpr TinyModel kMinute{
    .n_layers = 1, .d_model = 32, .n_heads = 2, .n_kv_heads = 1, .d_ff = 32, .context = 64, .seed = 1};

/// Is the field read by opening a model, rather than being one of hundreds of vocabulary entries like the others?
bool worth_mutating(const Field &field) {
    return field.label.find("tokenizer.ggml.tokens[") == std::string::npos &&
           field.label.find("tokenizer.ggml.scores[") == std::string::npos &&
           field.label.find("tokenizer.ggml.token_type[") == std::string::npos && field.kind != FieldKind::data;
}

/// What a program would do next with a model that opened.
core::Result<void> use(const std::shared_ptr<const core::Model> &model) {
    HADAL_TRY(const auto session,
              core::Session::create(model, {.context = 16, .chunk = 0, .extend = true, .memory_budget = 0}));
    HADAL_CHECK(session->append(std::vector<core::Token>{0}));
    core::GenerateOptions options;
    options.max_tokens = 2;
    HADAL_TRY(const auto generator, core::Generator::create(*session, options));
    HADAL_TRY(const auto event, generator->next());
    static_cast<void>(event);
    return {};
}

}  // namespace

TEST_CASE("every field of a model file changed a hundred times") {
    const TempFolder folder;
    const auto runtime = make_runtime(1);
    const Fields valid = GgufFields::of(tiny_model_gguf(kMinute));
    Mutator mutator(77);
    size_t n_used = 0, n_refused = 0, n_fields = 0;
    for (size_t field_i = 0; field_i < valid.size(); ++field_i) {
        if (!worth_mutating(valid[field_i])) continue;
        ++n_fields;
        for (int hit = 0; hit < kHitsPerField; ++hit) {
            const std::string path = folder.write("m.gguf", mutator.mutate(valid, field_i));
            core::ModelOptions options;
            options.load = core::LoadMode::read;
            options.memory_budget = 64u << 20;
            const auto model = core::Model::open(runtime, path, options);
            if (!model) {
                ++n_refused;
                if (model.error().message.empty()) FAIL_CHECK(valid[field_i].label << ": refused without a word");
                continue;
            }
            const auto used = use(*model);
            if (used) {
                ++n_used;
            } else if (used.error().message.empty()) {
                FAIL_CHECK(valid[field_i].label << ": failed without a word");
            }
        }
    }
    MESSAGE(n_fields << " fields, " << n_refused << " files refused, " << n_used << " used");
    CHECK(n_fields > 50);
    CHECK(n_refused > 1000);
    CHECK(n_used > 100);
}
