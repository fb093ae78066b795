// The builder's verbs: what they infer, and the sentence they fail with.
#include "plan/builder.h"

#include <doctest/doctest.h>

#include "unit/plan/support.h"

using namespace hadal;
using namespace hadal::test;
using core::Builder;
using core::Ref;
using core::Status;

namespace {

/// The error of a builder on which something went wrong.
core::Error fault(Builder &b, Ref last) {
    const auto program = b.finish(last);
    REQUIRE(!program);
    return program.error();
}

bool mentions(const core::Error &error, std::initializer_list<const char *> parts) {
    for (const char *part : parts) {
        if (error.message.find(part) == std::string::npos) return false;
    }
    return true;
}

}  // namespace

TEST_CASE_FIXTURE(PlanFixture, "a program prints as what was built") {
    const std::string printed = core::print(small_program());
    CHECK(printed ==
          "0 gather_rows gather_rows#0 [rows, 64] <- table tokens\n"
          "1 rms_norm rms_norm#1 [rows, 64] <- gather_rows#0 norm\n"
          "2 matmul matmul#2 [rows, 64] <- rms_norm#1 square\n"
          "3 rope rope#3 [rows, 4, 16] <- matmul#2 positions\n"
          "4 kv_append kv_append#4 [4, 16, 16] <- cache rope#3 matmul#2\n"
          "5 attention attention#5 [rows, 4, 16] <- matmul#2 kv_append#4\n"
          "6 matmul matmul#6 [rows, 64] <- attention#5 square\n"
          "7 add add#7 [rows, 64] <- gather_rows#0 matmul#6\n"
          "8 gather_rows gather_rows#8 [out, 64] <- add#7 out_rows\n"
          "9 matmul logits [out, 128] <- gather_rows#8 wide\n");
}

TEST_CASE_FIXTURE(PlanFixture, "views and later states share their base") {
    const core::Program program = small_program();
    const core::Value &view = program.values[program.ops[5].inputs[0]];
    CHECK(view.base == program.ops[2].outputs[0]);
    CHECK(view.row_stride == 64);
    const core::Value &version = program.values[program.ops[4].outputs[0]];
    CHECK(version.kind == core::ValueKind::state);
    CHECK(version.base == program.ops[4].inputs[0]);
    CHECK(core::states(program) == std::vector<core::ValueId>{version.base});
    CHECK(core::page_bytes(program, version) == 64 * 4 * (16 + 16) * 4);
}

TEST_CASE_FIXTURE(PlanFixture, "a tensor that is missing or of another shape is named with both shapes") {
    {
        Builder b(checkpoint, HADAL_DTYPE_F32);
        const core::Error error = fault(b, b.weight("absent", {3, 4}));
        CHECK(error.status == Status::bad_format);
        CHECK(mentions(error, {"'absent'", "[3, 4]", checkpoint.path().c_str()}));
    }
    {
        Builder b(checkpoint, HADAL_DTYPE_F32);
        const core::Error error = fault(b, b.weight("wide", {64, 64}));
        CHECK(mentions(error, {"'wide'", "[128, 64]", "[64, 64]"}));
    }
    {
        Builder b(checkpoint, HADAL_DTYPE_F32);
        CHECK(!b.optional_weight("absent", {3}));
        CHECK(mentions(fault(b, b.optional_weight("norm", {63})), {"'norm'", "[64]", "[63]"}));
    }
}

TEST_CASE_FIXTURE(PlanFixture, "operands that do not fit each other are named with both shapes") {
    const hadal_rope rope{.n_rotated = 18,
                          .pairing = 0,
                          .scaling = 0,
                          .original_context = 0,
                          .base = 1e4,
                          .factor = 0,
                          .low_freq_factor = 0,
                          .high_freq_factor = 0};
    const auto misfit = [&](auto &&make) {
        Builder b(checkpoint, HADAL_DTYPE_F32);
        const Ref rows = b.gather_rows(b.weight("table", {10, kWidth}), b.tokens());
        return fault(b, make(b, rows));
    };
    const auto wide = [](Builder &b, Ref rows) { return b.matmul(rows, b.weight("wide", {128, 64})); };
    CHECK(mentions(misfit([&](Builder &b, Ref r) {
                       return b.matmul(wide(b, r), b.weight("wide", {128, 64}));
                   }),
                   {"matmul", "[rows, 128]", "[128, 64]"}));
    CHECK(mentions(misfit([&](Builder &b, Ref r) { return b.add(r, wide(b, r)); }),
                   {"add", "[rows, 64]", "[rows, 128]"}));
    CHECK(mentions(misfit([&](Builder &b, Ref r) { return b.silu_mul(r, wide(b, r)); }), {"silu_mul"}));
    CHECK(mentions(misfit([&](Builder &b, Ref r) { return b.rms_norm(wide(b, r), b.weight("norm", {64}), 1e-5); }),
                   {"rms_norm", "[rows, 128]", "[64]"}));
    CHECK(mentions(misfit([&](Builder &b, Ref r) {
                       return b.rope(b.reshape(r, {4, 16}), rope);
                   }),
                   {"rope", "[rows, 4, 16]"}));
    CHECK(mentions(misfit([&](Builder &b, Ref r) {
                       const Ref heads = b.reshape(r, {4, 16});
                       return b.kv_append(b.state("cache", 2, 16, 16), heads, heads);
                   }),
                   {"kv_append", "[2, 16, 16]", "[rows, 4, 16]"}));
    CHECK(mentions(misfit([&](Builder &b, Ref r) {
                       return b.attention(b.reshape(r, {4, 16}), b.state("c", 3, 16, 16), 1);
                   }),
                   {"attention", "[rows, 4, 16]", "[3, 16, 16]"}));
    CHECK(mentions(misfit([&](Builder &b, Ref r) {
                       return b.reshape(r, {4, 17});
                   }),
                   {"reshape", "[rows, 64]", "[rows, 4, 17]"}));
}

TEST_CASE_FIXTURE(PlanFixture, "the first error is the one that is told") {
    Builder b(checkpoint, HADAL_DTYPE_F32);
    const Ref absent = b.weight("first", {1});
    const Ref later = b.matmul(absent, b.weight("second", {1}));
    CHECK(!later);
    CHECK(mentions(fault(b, later), {"'first'"}));
}
