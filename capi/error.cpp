#include "error.h"

#include <cstring>

#include "base/utf8.h"

namespace hadal::capi {
namespace {

constexpr size_t kRoom = sizeof(hadal_error::message) - 1;
constexpr std::string_view kElided = " ... ";
// A third for the beginning: it names the file's folder; the end has the file, the field and the values.
constexpr size_t kHead = kRoom / 3;
constexpr size_t kTail = kRoom - kHead - kElided.size();

bool continues_code_point(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

/// The longest end of at most max_bytes that begins with a code point.
std::string_view tail(std::string_view message, size_t max_bytes) {
    size_t first = message.size() - max_bytes;
    while (first < message.size() && continues_code_point(message[first])) ++first;
    return message.substr(first);
}

/// Replaces control characters and what is not UTF-8: a path may hold any byte.
void make_printable(char *text, size_t length) {
    for (size_t i = 0; i < length; ++i) {
        if (static_cast<unsigned char>(text[i]) < 0x20 || text[i] == 0x7F) text[i] = '?';
    }
    size_t done = 0;
    while (const auto wrong = core::utf8_error_offset({text + done, length - done})) {
        done += *wrong;
        text[done] = '?';
    }
}

}  // namespace

hadal_status write_error(hadal_error *err, core::Status status, int32_t detail, std::string_view message) noexcept {
    if (err == nullptr) return static_cast<hadal_status>(status);
    size_t length = 0;
    const auto put = [&](std::string_view part) {
        std::memcpy(err->message + length, part.data(), part.size());
        length += part.size();
    };
    if (message.size() <= kRoom) {
        put(message);
    } else {
        put(core::utf8_cut(message, kHead));
        put(kElided);
        put(tail(message, kTail));
    }
    make_printable(err->message, length);
    err->message[length] = '\0';
    err->message_length = static_cast<uint32_t>(length);
    err->status = static_cast<hadal_status>(status);
    err->detail = detail;
    return err->status;
}

}  // namespace hadal::capi
