// What the opaque handles hold: shared owners, so that the order in which handles are released does not matter.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "base/cancel.h"
#include "engine/generator.h"
#include "engine/model.h"
#include "engine/runtime.h"
#include "engine/session.h"
#include "hadal/hadal.h"
#include "text/chat_codec.h"
#include "text/decoder.h"
#include "text/tokenizer.h"

struct hadal_cancel {
    std::shared_ptr<const hadal::core::StopFlag> flag;  ///< calls in progress hold it too
};

struct hadal_runtime {
    std::shared_ptr<hadal::core::Runtime> runtime;
};

struct hadal_model {
    std::shared_ptr<const hadal::core::Model> model;
};

struct hadal_tokenizer {
    std::shared_ptr<const hadal::core::Tokenizer> tokenizer;
};

struct hadal_decoder {
    hadal::core::Decoder decoder;
};

struct hadal_chat_format {
    std::shared_ptr<const hadal::core::Runtime> runtime;  ///< for its log
    std::shared_ptr<const hadal::core::ChatCodec> codec;
};

struct hadal_chat_parser {
    hadal::core::ChatParser parser;
    std::string text;  ///< of the newest event
};

namespace hadal::capi {

/// A session that at most one generator may borrow.
struct SharedSession {
    std::unique_ptr<core::Session> session;
    std::atomic<bool> borrowed{false};
};

}  // namespace hadal::capi

struct hadal_session {
    std::shared_ptr<hadal::capi::SharedSession> shared;
};

struct hadal_generator {
    /// The loan of the session, given back when this dies.
    struct Loan {
        explicit Loan(std::shared_ptr<hadal::capi::SharedSession> of) : shared(std::move(of)) {}
        Loan(Loan &&) = default;
        ~Loan() {
            if (shared) shared->borrowed.store(false, std::memory_order_release);
        }
        std::shared_ptr<hadal::capi::SharedSession> shared;
    };
    Loan loan;
    std::shared_ptr<const hadal::core::StopFlag> stop;
    std::unique_ptr<hadal::core::Generator> generator;  ///< uses the two above
};
