// Chooses the instruction set by what the processor and the operating system have.
#include "backends/cpu/simd/choose.h"

#include <initializer_list>

#include "backends/cpu/platform.h"

namespace hadal::cpu {

Isas compiled_isas() {
    Isas isas{};
    for (const Isa *isa : {kIsaAvx512, kIsaAvx2, kIsaPortable})
        if (isa != nullptr) isas.table[isas.n++] = isa;
    return isas;
}

bool runs_here(const Isa &isa) {
    static const uint32_t present = cpu_features();
    return (isa.needs & ~present) == 0;
}

const Isa &isa() {
    static const Isa *const best = [] {
        const Isas isas = compiled_isas();
        size_t i = 0;
        while (!runs_here(*isas.table[i])) ++i;  // the portable one needs nothing
        return isas.table[i];
    }();
    return *best;
}

}  // namespace hadal::cpu
