// Reads a header from front to back in pieces, never past the file's end or the limit, and remembers where it is.
#pragma once

#include <bit>
#include <cstring>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "format/limits.h"

namespace hadal::core {

class HeaderReader {
public:
    /// file outlives this.
    explicit HeaderReader(const File &file);

    /// What is read next: opens the sentence of every error from here on.
    void enter(std::string where) { where_ = std::move(where); }
    /// An Error about what is being read.
    template <class... Parts>
    Error fault(Status status, const Parts &...parts) const {
        return error(status, file_.path(), ": ", where_, ": ", parts...);
    }

    uint64_t position() const { return buffer_offset_ + next_; }
    uint64_t remaining() const { return file_.size() - position(); }  ///< bytes to the end of the file

    /// A little-endian number.
    template <class Number>
    Result<Number> number() {
        static_assert(std::endian::native == std::endian::little, "files and machine agree on byte order");
        Number value;
        HADAL_CHECK(take(&value, sizeof value));
        return value;
    }

    /// A length of 64 bits, then as many bytes.
    Result<std::string> string(uint64_t max_bytes);

private:
    Result<void> take(void *into, size_t n_bytes);
    Result<void> refill();

    const File &file_;
    std::string where_ = "header";
    std::vector<std::byte> buffer_;
    uint64_t buffer_offset_ = 0;  ///< of buffer_[0] in the file
    size_t next_ = 0;             ///< in buffer_
};

}  // namespace hadal::core
