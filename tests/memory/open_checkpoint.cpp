// open_checkpoint PATH: opens what lies there, and its vocabulary, and prints the most memory this process ever had, in
// bytes. A program of its own, so that nothing of a test runner is in the number.
#include <cstdint>
#include <fstream>
#include <iostream>
#include <string>

#include "format/checkpoint.h"
#include "text/tokenizer.h"

namespace {

uint64_t peak_of_this_process() {
    std::ifstream status("/proc/self/status");
    std::string word;
    uint64_t kibibytes = 0;
    while (status >> word && word != "VmHWM:") continue;
    status >> kibibytes;
    return kibibytes * 1024;
}

}  // namespace

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    const auto checkpoint = hadal::core::Checkpoint::open(argv[1]);
    if (checkpoint) static_cast<void>(hadal::core::Tokenizer::open(checkpoint->metadata()));
    std::cout << peak_of_this_process() << '\n';
}
