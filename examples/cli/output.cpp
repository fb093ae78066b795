#include "output.h"

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace command {
namespace {

void check(bool written) {
    if (written) return;
    const int code = errno;
    if (code == EPIPE) throw OutputClosed();
    throw std::system_error(code, std::generic_category(), "standard output");
}

}  // namespace

void Output::write(std::string_view text) {
    check(std::fwrite(text.data(), 1, text.size(), stdout) == text.size());
    check(std::fflush(stdout) == 0);
}

void Output::close() {
    check(std::fclose(stdout) == 0);
}

Output &output() {
    static Output only;
    return only;
}

}  // namespace command
