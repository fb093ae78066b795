// The team: a fixed number of workers that run one function together.
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"

namespace hadal::core {

/// One member of a running team.
struct Worker {
    uint32_t index;  ///< 0 .. count - 1; 0 is the thread that called run
    uint32_t count;
    void (*barrier)(void *team);  ///< returns when all workers have called it; spins for a while, then sleeps
    void *team;
};

/// Threads start with the first run and end with the team. Calls of run from different threads take turns.
class Team {
public:
    /// n_workers: the calling thread among them; 0: one per physical core this process may use.
    explicit Team(uint32_t n_workers);
    ~Team();

    uint32_t size() const;

    /// Runs function on size() workers, guaranteed concurrent; returns when all are done. Writes before the call are
    /// seen by all workers, theirs by the caller after it. Fails: out_of_memory (a thread could not be started; the
    /// next call tries again).
    Result<void> run(void (*function)(void *argument, const Worker &worker), void *argument);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace hadal::core
