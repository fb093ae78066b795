// What depends on the processor's family: the #if of this room, beside the files named after an instruction set.
#pragma once

#include <cstdint>

#include "backends/cpu/simd/isa.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

namespace hadal::cpu {

/// Features that the processor has and the operating system saves the registers of.
inline uint32_t cpu_features() {
    uint32_t found = 0;
#if defined(__x86_64__) || defined(__i386__)
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
    constexpr unsigned kOsSavesMore = 1u << 27;
    if (!(c & kOsSavesMore)) return 0;
    unsigned saved = 0, saved_high = 0;
    asm("xgetbv" : "=a"(saved), "=d"(saved_high) : "c"(0));
    constexpr unsigned kYmm = 0x06, kZmm = 0xe6;
    if ((saved & kYmm) != kYmm) return 0;
    if (c & 1u << 12) found |= kFma;
    if (c & 1u << 29) found |= kF16c;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return found;
    if (b & 1u << 5) found |= kAvx2;
    if ((saved & kZmm) != kZmm) return found;
    if (b & 1u << 16) found |= kAvx512f;
    if (b & 1u << 17) found |= kAvx512dq;
    if (b & 1u << 30) found |= kAvx512bw;
    if (b & 1u << 31) found |= kAvx512vl;
#endif
    return found;
}

}  // namespace hadal::cpu
