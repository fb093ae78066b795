// What the tests of the C functions start from: a model that is always there, written to a temporary folder.
#pragma once

#include <hadal/hadal.hpp>
#include <string>
#include <vector>

#include "support/temp_folder.h"
#include "support/tiny_model.h"

namespace hadal::test {

/// Small enough for sanitizers. Ids of letters begin at kTinyFirstLetter.
struct TinyFile {
    TempFolder folder;
    std::string path = folder.write("tiny.gguf", tiny_model_gguf({.d_model = 64, .d_ff = 128, .context = 192}));
};

inline RuntimeOptions with_threads(uint32_t n) {
    RuntimeOptions options;
    options.threads = n;
    return options;
}

/// A runtime, the tiny model and a session of it.
struct Place {
    TinyFile file;
    Runtime runtime{with_threads(1)};
    Model model = runtime.open(file.path);
    Session session = model.session();
};

/// Forbids everything but the letters, so that greedy text is letters without spaces.
inline Sampling letters_only() {
    Sampling sampling;
    for (Token token = 0; token < static_cast<Token>(kTinyFirstLetter); ++token) {
        sampling.logit_bias.push_back({token, -INFINITY});
    }
    return sampling;
}

}  // namespace hadal::test
