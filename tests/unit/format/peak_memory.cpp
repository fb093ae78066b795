// The peak memory of a child process that opens a hostile file: 64 MiB and twice the header, whatever the file claims.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/result.h"
#include "format/checkpoint.h"
#include "support/fields.h"
#include "support/gguf_bytes.h"
#include "support/temp_folder.h"

using namespace hadal::core;
using namespace hadal::test;

namespace {

constexpr const char *kPathVariable = "HADAL_TEST_OPEN";
constexpr uint64_t kMiB = 1 << 20;

/// The most memory this process had since it was started, in bytes.
uint64_t peak_of_this_process() {
    std::ifstream status("/proc/self/status");
    std::string word;
    uint64_t kibibytes = 0;
    while (status >> word && word != "VmHWM:") continue;
    status >> kibibytes;
    return kibibytes * 1024;
}

/// This very program, started anew to open path.
uint64_t peak_of_child(const std::string &path) {
    const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
    const std::string answer = path + ".peak";
    const std::string command =
        text(kPathVariable, "='", path, "' '", self, "' --no-skip --test-case='*in a child' > '", answer, ".log'");
    REQUIRE(std::system(command.c_str()) == 0);
    uint64_t peak = 0;
    std::ifstream(answer) >> peak;
    REQUIRE(peak > 0);
    return peak;
}

void check_peak(const std::string &what, const std::string &path, uint64_t header_bytes) {
    CAPTURE(what);
    const uint64_t peak = peak_of_child(path);
    MESSAGE(what << ": header " << header_bytes / kMiB << " MiB, peak " << peak / kMiB << " MiB");
    CHECK(peak < 64 * kMiB + 2 * header_bytes);
}

std::string many(size_t n, const std::string &piece) {
    std::string all;
    all.reserve(n * piece.size());
    for (size_t i = 0; i < n; ++i) all += piece;
    return all;
}

std::string array(GgufType type, uint64_t n, const std::string &bytes) {
    return GgufBytes().key("a", kArray, little_endian<uint32_t>(type) + little_endian(n) + bytes).bytes();
}

}  // namespace

TEST_CASE("open in a child" * doctest::skip()) {
    const char *path = std::getenv(kPathVariable);
    REQUIRE(path != nullptr);
    const auto opened = Checkpoint::open(path);
    std::ofstream(std::string(path) + ".peak") << peak_of_this_process();
    static_cast<void>(opened);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // their memory is not ours
TEST_CASE("the peak memory of opening a hostile GGUF file") {
    const TempFolder folder;
    const auto check = [&](const std::string &what, const std::string &bytes) {
        check_peak(what, folder.write("m.gguf", bytes), bytes.size());
    };
    check("a small file", small_gguf());
    check("16 Mi empty strings", array(kString, 1 << 24, std::string(size_t{8} << 24, '\0')));
    check("strings just too long to lie in place",
          array(kString, 3000000, many(3000000, gguf_string(std::string(16, 'x')))));
    check("16 Mi bytes", array(kU8, 1 << 24, std::string(1 << 24, '\0')));
    check("16 Mi bytes claimed", array(kU8, 1 << 24, ""));
    check("a string of 16 MiB", GgufBytes().string("a", std::string(16 * kMiB, 'x')).bytes());
    GgufBytes keys, tensors;
    for (int i = 0; i < 65536; ++i) keys.key(text("k", i), kU8, std::string(1, '\1'));
    check("65536 keys", keys.bytes());
    for (int i = 0; i < 1000000; ++i) tensors.tensor(text(i), {1}, 0, "");
    check("a million tensors", tensors.bytes());
}

TEST_CASE("the peak memory of opening a hostile folder") {
    const TempFolder folder;
    const std::string path = folder.path();
    const auto table = [&](const std::string &what, const std::string &json) {
        folder.write("config.json", "{}");
        folder.write("model.safetensors", safetensors_bytes(json, ""));
        check_peak(what, path, json.size());
    };
    table("50 million brackets", "{\"a\":" + std::string(50000000, '['));
    table("25 million numbers", "{\"a\":[0" + many(25000000, ",0") + "]}");
    table("a string of 90 MB", "{\"" + std::string(90000000, 'x') + "\":0}");
    std::string tiny = "{";
    for (int i = 0; i < 600000; ++i) {
        tiny += text(i == 0 ? "" : ",", "\"", i, "\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,0]}");
    }
    table("600000 tensors", tiny + "}");
    std::filesystem::remove(folder / "model.safetensors");

    std::string index = "{\"weight_map\":{\"t\":\"a.safetensors\"";
    for (int i = 0; i < 1000000; ++i) index += text(",\"t", i, "\":\"a.safetensors\"");
    folder.write("model.safetensors.index.json", index + "}}");
    check_peak("an index of a million tensors", path, index.size());

    const std::string config = "{\"a\":[0" + many(8000000, ",0") + "]}";
    folder.write("config.json", config);
    check_peak("a config of 8 million numbers", path, config.size());
}
#endif
