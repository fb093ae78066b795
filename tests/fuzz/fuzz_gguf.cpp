// GGUF files of any bytes: open refuses, or every tensor can be read. A libFuzzer target: compile this file,
// lib/format and lib/base with clang++ -DHADAL_FUZZ_GGUF -fsanitize=fuzzer,address,undefined. tests/unit/format runs
// the same check over mutated files.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "format/checkpoint.h"
#include "support/checkpoint_checks.h"
#include "support/temp_folder.h"

#ifdef HADAL_FUZZ_GGUF
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const hadal::test::TempFolder folder;
    const std::string path = folder.write("m.gguf", {reinterpret_cast<const char *>(data), size});
    if (!hadal::test::complaint(path, hadal::core::Checkpoint::open(path)).empty()) std::abort();
    return 0;
}
#endif
