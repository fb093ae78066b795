// A folder with a safetensors file, a config.json or an index of any bytes; the first byte says which. A libFuzzer
// target: compile this file, lib/format and lib/base with clang++ -DHADAL_FUZZ_SAFETENSORS
// -fsanitize=fuzzer,address,undefined. tests/unit/format runs the same check over mutated files.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "format/checkpoint.h"
#include "support/checkpoint_checks.h"
#include "support/temp_folder.h"

#ifdef HADAL_FUZZ_SAFETENSORS
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const hadal::test::TempFolder folder;
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char *>(data) + 1, size - 1);
    const bool is_index = data[0] % 3 == 2;
    std::filesystem::remove(folder / "model.safetensors");
    folder.write("config.json", data[0] % 3 == 1 ? bytes : "{}");
    folder.write(is_index ? "model.safetensors.index.json" : "model.safetensors", bytes);
    if (!hadal::test::complaint(folder.path(), hadal::core::Checkpoint::open(folder.path())).empty()) std::abort();
    return 0;
}
#endif
