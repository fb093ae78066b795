#include "format/header_reader.h"

#include <algorithm>

namespace hadal::core {

namespace {
constexpr size_t kPieceBytes = size_t{64} << 10;  // large enough that the system calls do not count
}

HeaderReader::HeaderReader(const File &file) : file_(file) {
    buffer_.reserve(kPieceBytes);
}

Result<void> HeaderReader::refill() {
    buffer_offset_ = position();
    next_ = 0;
    buffer_.resize(static_cast<size_t>(std::min<uint64_t>(kPieceBytes, remaining())));
    return file_.read_at(buffer_offset_, buffer_);
}

Result<void> HeaderReader::take(void *into, size_t n_bytes) {
    if (n_bytes > remaining()) {
        return fault(Status::bad_format, "needs ", n_bytes, " bytes at offset ", position(), ", the file has ",
                     file_.size(), " bytes");
    }
    if (position() + n_bytes > kMaxHeaderBytes) {
        return fault(Status::bad_format, "the header reaches byte ", position() + n_bytes, ", at most ",
                     kMaxHeaderBytes, " are read");
    }
    auto *out = static_cast<std::byte *>(into);
    while (n_bytes > 0) {
        if (next_ == buffer_.size()) HADAL_CHECK(refill());
        const size_t n = std::min(n_bytes, buffer_.size() - next_);
        std::memcpy(out, buffer_.data() + next_, n);
        next_ += n;
        out += n;
        n_bytes -= n;
    }
    return {};
}

Result<std::string> HeaderReader::string(uint64_t max_bytes) {
    HADAL_TRY(const auto length, number<uint64_t>());
    if (length > remaining()) {
        return fault(Status::bad_format, "a string of ", length, " bytes at offset ", position(), ", the file has ",
                     file_.size(), " bytes");
    }
    if (length > max_bytes) {
        return fault(Status::bad_format, "a string of ", length, " bytes, at most ", max_bytes, " are read");
    }
    std::string bytes(static_cast<size_t>(length), '\0');
    HADAL_CHECK(take(bytes.data(), bytes.size()));
    return bytes;
}

}  // namespace hadal::core
