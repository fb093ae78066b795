// Ctrl-C as a cancel object: the first one ends the work, a second one the process.
#pragma once

#include <hadal/hadal.hpp>

namespace command {

/// At most one at a time. While it lives, SIGINT triggers cancel().
class Interrupt {
public:
    Interrupt();
    ~Interrupt();
    Interrupt(const Interrupt &) = delete;
    Interrupt &operator=(const Interrupt &) = delete;

    const hadal::Cancel *cancel() const { return &cancel_; }

private:
    hadal::Cancel cancel_;
};

}  // namespace command
