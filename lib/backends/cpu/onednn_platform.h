// Where oneDNN's versions and threading runtimes differ. Included by onednn_gemm.cpp alone.
#pragma once

#include <oneapi/dnnl/dnnl_config.h>
#include <oneapi/dnnl/dnnl_version.h>

#include <cstdint>
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

/// A matrix of elements somewhere: its memory description differs between the versions.
#if DNNL_VERSION_MAJOR >= 3

class Matrix {
public:
    ~Matrix() { dnnl_memory_desc_destroy(description_); }
    dnnl_status_t describe(int64_t rows, int64_t columns, int64_t row_stride, int64_t column_stride,
                           dnnl_data_type_t type) {
        const dnnl_dims_t dims = {rows, columns}, strides = {row_stride, column_stride};
        return dnnl_memory_desc_create_with_strides(&description_, 2, dims, type, strides);
    }
    const_dnnl_memory_desc_t get() const { return description_; }

private:
    dnnl_memory_desc_t description_ = nullptr;
};

inline dnnl_status_t describe_matmul(dnnl_primitive_desc_t *out, dnnl_engine_t engine, const Matrix &a, const Matrix &b,
                                     const Matrix &c) {
    return dnnl_matmul_primitive_desc_create(out, engine, a.get(), b.get(), nullptr, c.get(), nullptr);
}

#else

class Matrix {
public:
    dnnl_status_t describe(int64_t rows, int64_t columns, int64_t row_stride, int64_t column_stride,
                           dnnl_data_type_t type) {
        const dnnl_dims_t dims = {rows, columns}, strides = {row_stride, column_stride};
        return dnnl_memory_desc_init_by_strides(&description_, 2, dims, type, strides);
    }
    const dnnl_memory_desc_t *get() const { return &description_; }

private:
    dnnl_memory_desc_t description_{};
};

inline dnnl_status_t describe_matmul(dnnl_primitive_desc_t *out, dnnl_engine_t engine, const Matrix &a, const Matrix &b,
                                     const Matrix &c) {
    dnnl_matmul_desc_t matmul;
    const dnnl_status_t status = dnnl_matmul_desc_init(&matmul, a.get(), b.get(), nullptr, c.get());
    return status != dnnl_success ? status : dnnl_primitive_desc_create(out, &matmul, nullptr, engine, nullptr);
}

#endif

}  // namespace hadal::cpu
