// How an op's rows are shared: by timeline where bits must not depend on company, by element where no sum is involved.
#pragma once

#include <algorithm>
#include <cstdint>

#include "hadal/backend_sdk.hpp"

namespace hadal::cpu {

/// Rows [first, first + count) of an operand.
struct Rows {
    int64_t first;
    int64_t count;
};

/// A timeline's rows of an operand. Operands that do not grow with the run belong to the first timeline.
inline Rows rows_of(const sdk::Call &call, uint32_t timeline_i, const sdk::Operand &operand) {
    const hadal_bk_dim &dim = operand.value->dims[0];
    if (dim.symbol == HADAL_BK_SYMBOL_NONE) return {0, timeline_i == 0 ? dim.count : 0};
    const sdk::RowGroup group = sdk::row_group(call.run, timeline_i, dim.symbol);
    return {group.first * dim.count, group.count * dim.count};
}

/// Calls fn(row, begin, end) for this worker's share of a [rows, width] array, in runs within a row.
template <class Fn>
void for_each_run(const sdk::Worker &worker, int64_t rows, int64_t width, Fn fn) {
    // A cache line of floats at least: two workers never write to one.
    constexpr int64_t kGrain = 16;
    const int64_t total = rows * width;
    const sdk::Share grains = sdk::share((total + kGrain - 1) / kGrain, worker);
    int64_t at = grains.begin * kGrain;
    const int64_t last = std::min(grains.end * kGrain, total);
    while (at < last) {
        const int64_t row = at / width, begin = at % width, n = std::min(width - begin, last - at);
        fn(row, begin, begin + n);
        at += n;
    }
}

/// Same rank and dims.
inline bool same_shape(const hadal_bk_value &a, const hadal_bk_value &b) {
    return a.rank == b.rank && std::equal(a.dims, a.dims + a.rank, b.dims, [](hadal_bk_dim x, hadal_bk_dim y) {
               return x.count == y.count && x.symbol == y.symbol;
           });
}

using sdk::refuse;

}  // namespace hadal::cpu
