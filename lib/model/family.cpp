#include "model/family.h"

#include <algorithm>
#include <string_view>

namespace hadal::core {

Result<std::string> declared_architecture(const Checkpoint &checkpoint) {
    const Metadata &metadata = checkpoint.metadata();
    if (checkpoint.format() == CheckpointFormat::gguf) return metadata.string("general.architecture");
    HADAL_TRY(const auto *architectures, metadata.strings("architectures"));
    if (architectures->size() != 1) {
        return error(Status::bad_format, metadata.file(), ": 'architectures' has ", architectures->size(),
                     " entries, exactly 1 is allowed");
    }
    return architectures->front();
}

Result<DescribedModel> describe_model(const Checkpoint &checkpoint, uint32_t state_dtype) {
    HADAL_TRY(const std::string architecture, declared_architecture(checkpoint));
    for (const Family *family : families()) {
        for (const char *name : family->architectures) {
            if (architecture == name) return family->describe(checkpoint, state_dtype);
        }
    }
    return error(Status::unsupported, checkpoint.metadata().file(), ": architecture '", architecture,
                 "' has no family here");
}

}  // namespace hadal::core
