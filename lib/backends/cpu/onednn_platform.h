// Where oneDNN's versions and threading runtimes differ. Included by onednn_gemm.cpp alone.
#pragma once

#include <oneapi/dnnl/dnnl_config.h>
#include <oneapi/dnnl/dnnl_version.h>
#include <oneapi/dnnl/dnnl.hpp>

#if DNNL_CPU_RUNTIME == DNNL_RUNTIME_OMP
#include <dlfcn.h>
#elif DNNL_CPU_RUNTIME != DNNL_RUNTIME_SEQ && DNNL_CPU_RUNTIME != DNNL_RUNTIME_THREADPOOL
#error "oneDNN must be built for OpenMP, its thread pool interface or no threads: our workers call it one by one"
#endif

namespace hadal::cpu {

#if DNNL_CPU_RUNTIME == DNNL_RUNTIME_OMP

/// While it lives, OpenMP starts no threads for the calling thread: oneDNN asks it for their number, which OpenMP keeps
/// per thread. The runtime is found in the process, because oneDNN decides which one that is.
class OneThread {
public:
    OneThread() : before_(calls().get == nullptr ? 1 : calls().get()) {
        if (before_ != 1) calls().set(1);
    }
    ~OneThread() {
        if (before_ != 1) calls().set(before_);
    }
    OneThread(const OneThread &) = delete;
    OneThread &operator=(const OneThread &) = delete;

private:
    struct Calls {
        int (*get)();
        void (*set)(int);
    };
    static const Calls &calls() {
        static const Calls found = [] {
            auto *get = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "omp_get_max_threads"));
            auto *set = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
            return set == nullptr ? Calls{} : Calls{get, set};
        }();
        return found;
    }
    int before_;
};

#else

/// oneDNN has no threads of its own in this build.
class OneThread {
public:
    OneThread() {}
    ~OneThread() {}
};

#endif

inline dnnl::matmul::primitive_desc matmul_of(const dnnl::engine &engine, const dnnl::memory::desc &a,
                                              const dnnl::memory::desc &b, const dnnl::memory::desc &c) {
#if DNNL_VERSION_MAJOR >= 3
    return dnnl::matmul::primitive_desc(engine, a, b, c);
#else
    return dnnl::matmul::primitive_desc(dnnl::matmul::desc(a, b, c), engine);
#endif
}

}  // namespace hadal::cpu
