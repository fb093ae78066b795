#include "engine/run_block.h"

#include <algorithm>

#include "hadal/ops.h"

namespace hadal::core {

namespace {

/// Lays arrays one after the other, each 8-aligned. Offsets have 32 bits: a session's chunk is at most 2^16 rows and
/// its table at most 2^24 pages, far below.
class Layout {
public:
    uint32_t add(size_t bytes) {
        const uint32_t offset = size_;
        size_ += static_cast<uint32_t>((bytes + 7) / 8 * 8);
        return offset;
    }
    uint32_t size() const { return size_; }

private:
    uint32_t size_ = 0;
};

}  // namespace

template <class T>
T *RunBlock::array(uint32_t offset) {
    return reinterpret_cast<T *>(reinterpret_cast<std::byte *>(words_.data()) + offset);
}

void RunBlock::pack(std::span<const RowRequest> requests, uint32_t page_size) {
    hadal_run_block header{};
    header.page_size = page_size;
    header.n_timelines = static_cast<uint32_t>(requests.size());
    for (const RowRequest &request : requests) {
        header.n_rows += request.n_rows;
        header.n_out += request.n_out;
        header.n_pages += static_cast<uint32_t>(request.timeline->pages().size());
    }
    Layout layout;
    layout.add(sizeof header);
    header.tokens_offset = layout.add(header.n_rows * sizeof(int32_t));
    header.positions_offset = layout.add(header.n_rows * sizeof(int32_t));
    header.timelines_offset = layout.add(header.n_timelines * sizeof(hadal_run_timeline));
    header.pages_offset = layout.add(header.n_pages * sizeof(uint32_t));
    header.out_rows_offset = layout.add(header.n_out * sizeof(int32_t));
    header.bytes = layout.size();
    words_.resize(layout.size() / 8);
    *array<hadal_run_block>(0) = header;

    int32_t *tokens = array<int32_t>(header.tokens_offset);
    int32_t *positions = array<int32_t>(header.positions_offset);
    uint32_t *pages = array<uint32_t>(header.pages_offset);
    int32_t *out_rows = array<int32_t>(header.out_rows_offset);
    uint32_t row = 0, page = 0, out = 0;
    for (size_t i = 0; i < requests.size(); ++i) {
        const Timeline &timeline = *requests[i].timeline;
        const uint32_t n_rows = requests[i].n_rows, n_out = requests[i].n_out;
        const size_t first = timeline.computed();
        array<hadal_run_timeline>(header.timelines_offset)[i] = {
            .first_row = row,
            .n_rows = n_rows,
            .first_page = page,
            .n_pages = static_cast<uint32_t>(timeline.pages().size()),
            .first_out = out,
            .n_out = n_out,
            .kv_length = static_cast<int64_t>(first + n_rows)};
        std::copy(timeline.pages().begin(), timeline.pages().end(), pages + page);
        page += static_cast<uint32_t>(timeline.pages().size());
        for (uint32_t j = 0; j < n_out; ++j) out_rows[out++] = static_cast<int32_t>(row + n_rows - n_out + j);
        for (uint32_t j = 0; j < n_rows; ++j, ++row) {
            tokens[row] = timeline.tokens()[first + j];
            positions[row] = static_cast<int32_t>(first + j);
        }
    }
}

}  // namespace hadal::core
