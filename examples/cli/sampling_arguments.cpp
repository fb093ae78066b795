#include "sampling_arguments.h"

namespace command {

void add_sampling(CLI::App &app, hadal::Sampling &sampling) {
    app.add_option("--temp", sampling.temperature, "Temperature; 0: always the likeliest token");
    app.add_option("--top-k", sampling.top_k, "Keep the k likeliest tokens; 0: off");
    app.add_option("--top-p", sampling.top_p, "Keep the fewest tokens whose probabilities reach p; 0: off");
    app.add_option("--min-p", sampling.min_p, "Keep tokens at least p times as likely as the likeliest; 0: off");
    app.add_option("--repetition-penalty", sampling.repetition_penalty, "Divides logits of tokens seen; 0: off");
    app.add_option("--presence-penalty", sampling.presence_penalty, "Subtracted from logits of tokens seen; 0: off");
    app.add_option("--frequency-penalty", sampling.frequency_penalty, "The same, for each time seen; 0: off");
    app.add_option("--seed", sampling.seed, "Same seed, same tokens");
}

}  // namespace command
