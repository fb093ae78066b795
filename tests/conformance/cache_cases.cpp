// Checks of the ops that use the cache: pages in any order, timelines of any lengths.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "conformance/op_cases.h"
#include "conformance/random_data.h"

namespace hadal::test {

namespace {

struct Shape {
    uint32_t dtype;
    int64_t n_heads, n_kv, d_k, d_v, v_width;
    uint32_t page_size = HADAL_PAGE_POSITIONS;

    std::string name() const {
        return "type " + std::to_string(dtype) + " heads " + std::to_string(n_heads) + "/" + std::to_string(n_kv) +
               " d " + std::to_string(d_k) + "+" + std::to_string(d_v) + " v " + std::to_string(v_width) + " page " +
               std::to_string(page_size);
    }
    int64_t element_bytes() const { return dtype == HADAL_DTYPE_BF16 ? 2 : 4; }
    /// Element of the pool, straight from the words of ops.h.
    int64_t k_at(uint32_t page, int64_t head, int64_t slot) const {
        return page * page_size * n_kv * (d_k + d_v) + (head * page_size + slot) * d_k;
    }
    int64_t v_at(uint32_t page, int64_t head, int64_t slot) const {
        if (d_v == 0) return k_at(page, head, slot);
        return page * page_size * n_kv * (d_k + d_v) + n_kv * page_size * d_k + (head * page_size + slot) * d_v;
    }
};

constexpr uint32_t kPages = 8;

/// A prompt's tail over a page boundary, one new row at the end of a full page, a fresh timeline, a long single row.
RunSpec mixed_timelines(uint32_t page_size) {
    const int64_t page = page_size;
    return {{Rows{7, page + 3, {6, 1}, {6}}, Rows{1, page, {4}, {0}}, Rows{2, 2, {2}, {}},
             Rows{1, 2 * page + page / 2, {7, 0, 5}, {0}}},
            {}};
}

void store(const Shape &shape, float value, std::byte *to) {
    const uint16_t rounded = sdk::f32_to_bf16(value);
    if (shape.dtype == HADAL_DTYPE_BF16)
        std::memcpy(to, &rounded, sizeof rounded);
    else
        std::memcpy(to, &value, sizeof value);
}

OpCheck append_check(const Shape &shape) {
    RandomData random(static_cast<uint32_t>(shape.d_k + shape.d_v));
    OpCheck check("kv_append " + shape.name(), mixed_timelines(shape.page_size));
    const int64_t n_rows = check.spec.n_rows();
    const int64_t pool = kPages * shape.page_size * shape.n_kv * (shape.d_k + shape.d_v);
    const std::vector<float> k = random.numbers(n_rows * shape.n_kv * shape.d_k);
    const std::vector<float> v = random.numbers(n_rows * shape.n_kv * shape.d_v);
    check.bytes = random.weights(shape.dtype, pool);
    OpCase &c = check.op_case;
    c.page_size = shape.page_size;
    c.n_pages = kPages;
    check.result = c.state(shape.dtype, shape.n_kv, shape.d_k, shape.d_v, check.bytes);
    std::vector<uint32_t> inputs{check.result};
    inputs.push_back(c.incoming({per_row(), constant(shape.n_kv), constant(shape.d_k)}, k));
    if (shape.d_v > 0) inputs.push_back(c.incoming({per_row(), constant(shape.n_kv), constant(shape.d_v)}, v));
    c.op(HADAL_OP_KV_APPEND, inputs, {c.next_version(check.result)});
    for (size_t t = 0; t < check.spec.timelines.size(); ++t) {
        const Rows &rows = check.spec.timelines[t];
        for (int64_t j = 0; j < rows.n_rows; ++j)
            for (int64_t h = 0; h < shape.n_kv; ++h) {
                const int64_t row = check.spec.first_row(t) + j;
                const int64_t position = rows.kv_length - rows.n_rows + j;
                const uint32_t page = rows.pages[static_cast<size_t>(position / shape.page_size)];
                const int64_t slot = position % shape.page_size, bytes = shape.element_bytes();
                for (int64_t i = 0; i < shape.d_k; ++i)
                    store(shape, k[static_cast<size_t>((row * shape.n_kv + h) * shape.d_k + i)],
                          check.bytes.data() + bytes * (shape.k_at(page, h, slot) + i));
                for (int64_t i = 0; i < shape.d_v; ++i)
                    store(shape, v[static_cast<size_t>((row * shape.n_kv + h) * shape.d_v + i)],
                          check.bytes.data() + bytes * (shape.v_at(page, h, slot) + i));
            }
    }
    return check;
}

OpCheck attention_check(const Shape &shape, float scale, const RunSpec &spec) {
    RandomData random(static_cast<uint32_t>(shape.d_k * 7 + shape.d_v + shape.n_heads));
    OpCheck check("attention " + shape.name(), spec);
    const int64_t pool = kPages * shape.page_size * shape.n_kv * (shape.d_k + shape.d_v);
    const std::vector<float> q = random.numbers(spec.n_rows() * shape.n_heads * shape.d_k);
    const std::vector<std::byte> bytes = random.weights(shape.dtype, pool);
    const std::vector<double> cache = unpacked(shape.dtype, bytes, pool);
    OpCase &c = check.op_case;
    c.page_size = shape.page_size;
    c.n_pages = kPages;
    const uint32_t state = c.state(shape.dtype, shape.n_kv, shape.d_k, shape.d_v, bytes);
    const uint32_t queries = c.incoming({per_row(), constant(shape.n_heads), constant(shape.d_k)}, q);
    check.poisonable = queries;
    check.result = c.output({per_row(), constant(shape.n_heads), constant(shape.v_width)});
    c.op(HADAL_OP_ATTENTION, {queries, state}, {check.result},
         hadal_attention{scale, static_cast<uint32_t>(shape.v_width)});
    for (size_t t = 0; t < spec.timelines.size(); ++t)
        for (int64_t j = 0; j < spec.timelines[t].n_rows; ++j)
            for (int64_t h = 0; h < shape.n_heads; ++h) {
                const Rows &rows = spec.timelines[t];
                const int64_t row = spec.first_row(t) + j, n = rows.kv_length - rows.n_rows + j + 1;
                const int64_t kv_head = h / (shape.n_heads / shape.n_kv);
                std::vector<double> weights;
                double total = 0, largest_v = 0;
                for (int64_t p = 0; p < n; ++p) {
                    const uint32_t page = rows.pages[static_cast<size_t>(p / shape.page_size)];
                    const int64_t at = shape.k_at(page, kv_head, p % shape.page_size);
                    double dot = 0;
                    for (int64_t i = 0; i < shape.d_k; ++i)
                        dot += q[static_cast<size_t>((row * shape.n_heads + h) * shape.d_k + i)] *
                               cache[static_cast<size_t>(at + i)];
                    weights.push_back(dot * double{scale});
                }
                const double largest = *std::max_element(weights.begin(), weights.end());
                for (double &w : weights) total += w = std::exp(w - largest);
                std::vector<double> out(static_cast<size_t>(shape.v_width), 0);
                for (int64_t p = 0; p < n; ++p) {
                    const uint32_t page = rows.pages[static_cast<size_t>(p / shape.page_size)];
                    const int64_t at = shape.v_at(page, kv_head, p % shape.page_size);
                    for (int64_t i = 0; i < shape.v_width; ++i) {
                        const double v = cache[static_cast<size_t>(at + i)];
                        out[static_cast<size_t>(i)] += weights[static_cast<size_t>(p)] / total * v;
                        largest_v = std::max(largest_v, std::fabs(v));
                    }
                }
                check.expected.insert(check.expected.end(), out.begin(), out.end());
                check.allowed.insert(check.allowed.end(), out.size(), 1e-4 * largest_v);
            }
    return check;
}

}  // namespace

std::vector<OpCheck> kv_append_checks() {
    std::vector<OpCheck> checks;
    for (const uint32_t dtype : {HADAL_DTYPE_F32, HADAL_DTYPE_BF16}) {
        checks.push_back(append_check({dtype, 1, 1, 8, 8, 8}));
        checks.push_back(append_check({dtype, 4, 2, 24, 16, 16}));
        checks.push_back(append_check({dtype, 4, 1, 40, 0, 32}));
        checks.push_back(append_check({dtype, 3, 3, 7, 5, 5, 16}));
    }
    return checks;
}

std::vector<OpCheck> attention_checks() {
    std::vector<OpCheck> checks;
    for (const uint32_t dtype : {HADAL_DTYPE_F32, HADAL_DTYPE_BF16}) {
        for (const Shape &shape :
             {Shape{dtype, 1, 1, 8, 8, 8}, Shape{dtype, 8, 2, 64, 64, 64}, Shape{dtype, 6, 6, 16, 24, 24},
              Shape{dtype, 4, 1, 40, 0, 32}, Shape{dtype, 3, 1, 80, 80, 80}, Shape{dtype, 2, 1, 7, 5, 5, 16}}) {
            const float scale = 1 / std::sqrt(static_cast<float>(shape.d_k));
            checks.push_back(attention_check(shape, scale, mixed_timelines(shape.page_size)));
        }
        checks.push_back(attention_check({dtype, 4, 2, 16, 16, 16}, 30.0f, mixed_timelines(HADAL_PAGE_POSITIONS)));
        checks.push_back(attention_check({dtype, 4, 2, 16, 16, 16}, 0.25f, {}));
    }
    return checks;
}

}  // namespace hadal::test
