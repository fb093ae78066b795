// A checkpoint with a few tensors, and the devices that are linked in.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "format/checkpoint.h"
#include "plan/builder.h"
#include "support/engine.h"
#include "support/gguf_bytes.h"
#include "support/temp_folder.h"

namespace hadal::test {

constexpr int64_t kWidth = 64, kHeads = 4, kHead = 16;

/// Tensors "table" [10, 64], "square" [64, 64], "wide" [128, 64], "norm" [64], all f32.
struct PlanFixture {
    TempFolder folder;
    core::Checkpoint checkpoint = open();
    std::shared_ptr<core::Runtime> runtime = make_runtime(1);

    core::Checkpoint open() const {
        GgufBytes file;
        file.string("general.architecture", "none");
        const auto tensor = [&](const char *name, std::vector<uint64_t> ne) {
            uint64_t n = 1;
            for (const uint64_t dim : ne) n *= dim;
            std::string data;
            for (uint64_t i = 0; i < n; ++i) data += little_endian(0.01f * static_cast<float>(i % 17) - 0.05f);
            file.tensor(name, ne, 0, data);
        };
        tensor("table", {64, 10});
        tensor("square", {64, 64});
        tensor("wide", {64, 128});
        tensor("norm", {64});
        return need(core::Checkpoint::open(folder.write("plan.gguf", file.bytes())));
    }

    /// embedding, one attention layer, head: every op but the gated ones.
    core::Program small_program() const {
        core::Builder b(checkpoint, HADAL_DTYPE_F32);
        const core::Ref square = b.weight("square", {kWidth, kWidth});
        const core::Ref residual = b.gather_rows(b.weight("table", {10, kWidth}), b.tokens());
        const core::Ref normed = b.rms_norm(residual, b.weight("norm", {kWidth}), 1e-5);
        const hadal_rope rope{.n_rotated = 16,
                              .pairing = 0,
                              .scaling = 0,
                              .original_context = 0,
                              .base = 1e4,
                              .factor = 0,
                              .low_freq_factor = 0,
                              .high_freq_factor = 0};
        const core::Ref heads = b.reshape(b.matmul(normed, square), {kHeads, kHead});
        const core::Ref cache = b.state("cache", kHeads, kHead, kHead);
        const core::Ref attn = b.attention(heads, b.kv_append(cache, b.rope(heads, rope), heads), 0.25);
        const core::Ref sum = b.add(residual, b.matmul(attn, square));
        return need(b.finish(b.matmul(b.gather_rows(sum, b.out_rows()), b.weight("wide", {128, kWidth}))));
    }
};

}  // namespace hadal::test
