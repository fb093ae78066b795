// What a file's header may ask for. Every limit is far above real models, and keeps a hostile file cheap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"

namespace hadal::core {

inline constexpr uint64_t kMaxKeys = 65536;                       // a V3 GGUF has 46
inline constexpr uint64_t kMaxTensors = 1048576;                  // unfused Hugging Face experts make about 90,000
inline constexpr uint64_t kMaxNameBytes = 65535;                  // GGUF's own limit for keys; used for tensors as well
inline constexpr uint64_t kMaxStringBytes = uint64_t{16} << 20;   // chat templates are the longest, some 10 kB
inline constexpr uint64_t kMaxArrayLength = uint64_t{16} << 20;   // four arrays per token of the largest vocabulary
inline constexpr uint64_t kMaxHeaderBytes = uint64_t{256} << 20;  // a vocabulary of 256,000 tokens makes about 10 MB
inline constexpr uint64_t kMaxDims = 4;                           // GGUF's own limit
inline constexpr uint64_t kMaxAlignment = uint64_t{2} << 20;      // a huge page; nothing profits from more
inline constexpr uint64_t kMaxSafetensorsHeader = 100000000;      // the format's own limit
inline constexpr uint64_t kMaxConfigBytes = uint64_t{16} << 20;   // real ones have 1 to 100 kB
inline constexpr uint64_t kMaxConfigKeyBytes = 1024;              // every key in an object repeats the object's own
inline constexpr uint64_t kMaxIndexBytes = uint64_t{64} << 20;    // V3's has 9 MB
inline constexpr uint64_t kMaxShards = 1000;                      // V3 has 163; 1024 open files are a usual limit
inline constexpr uint32_t kMaxJsonDepth = 64;                     // config.json nests 3 deep; the walk is recursive

/// What a header's content may take in memory beyond twice its bytes: small records (a string of no characters is 8
/// bytes in GGUF, 32 here) may not multiply without end.
inline constexpr uint64_t kMaxExpansionBytes = uint64_t{48} << 20;

/// Bytes a std::string of this length takes, its heap block with malloc's rounding included.
inline uint64_t string_memory(uint64_t length) {
    return sizeof(std::string) + (length > 15 ? length + 32 : 0);
}

/// The memory a checkpoint's headers take, counted while they are read. Nothing here can wrap: every number is a sum
/// over bytes that were really read, times a small constant.
class HeaderMemory {
public:
    explicit HeaderMemory(std::string path) : path_(std::move(path)) {}

    /// So many bytes of headers were read by now.
    void set_header_bytes(uint64_t bytes) { header_bytes_ = bytes; }
    uint64_t header_bytes() const { return header_bytes_; }

    /// Fails: bad_format.
    Result<void> add(uint64_t bytes) {
        used_ += bytes;
        const uint64_t allowed = kMaxExpansionBytes + 2 * header_bytes_;
        if (used_ <= allowed) return {};
        return error(Status::bad_format, path_, ": ", header_bytes_, " bytes of header take ", used_,
                     " bytes of memory, at most ", allowed, " are allowed");
    }
    void remove(uint64_t bytes) { used_ -= bytes; }

private:
    std::string path_;
    uint64_t header_bytes_ = 0;
    uint64_t used_ = 0;
};

}  // namespace hadal::core
