// What must hold of any checkpoint that opens, and of any error if it does not.
#pragma once

#include <string>

#include "format/checkpoint.h"
#include "format/dtype.h"
#include "support/fields.h"

namespace hadal::test {

/// Empty, or what is wrong with the answer to opening path.
inline std::string complaint(const std::string &path, const core::Result<core::Checkpoint> &opened) {
    if (!opened) {
        const core::Error &error = opened.error();
        if (static_cast<int>(error.status) >= 0) return "a status that is no failure: " + error.message;
        if (error.status == core::Status::internal) return "an internal error: " + error.message;
        if (error.message.find(path) == std::string::npos) return "does not name the file: " + error.message;
        if (error.message.size() < path.size() + 8) return "says too little: " + error.message;
        return {};
    }
    const auto weights = opened->map();
    if (!weights) return "does not map: " + weights.error().message;
    const auto files = (*weights)->files();
    unsigned sum = 0;
    for (const core::TensorInfo &tensor : opened->tensors()) {
        if (opened->find(tensor.name) != &tensor) return "does not find " + tensor.name;
        uint64_t n_elements = 1;
        for (const int64_t dim : tensor.dims) n_elements *= static_cast<uint64_t>(dim);
        const auto bytes = core::dtype_bytes(tensor.dtype, n_elements);
        if (!bytes || *bytes != tensor.bytes) return "wrong size of " + tensor.name;
        for (const std::byte byte : files[tensor.file_i].subspan(tensor.offset, tensor.bytes)) {
            sum += static_cast<unsigned>(byte);
        }
    }
    return sum == ~0u ? "impossible" : "";
}

/// Empty, or what is wrong with the answer to opening a checkpoint of which only this field of this file was changed.
inline std::string misplaced_blame(const std::string &file, const Field &field,
                                   const core::Result<core::Checkpoint> &opened) {
    if (opened) return {};
    const std::string &message = opened.error().message;
    if (message.find(file) == std::string::npos) return "does not name " + file + ": " + message;
    // A text that is not JSON has no keys yet, and a key of no good characters is no name.
    if (field.owner.empty() || message.find("JSON") != std::string::npos) return {};
    return message.find(field.owner) != std::string::npos ? "" : "does not name " + field.owner + ": " + message;
}

}  // namespace hadal::test
