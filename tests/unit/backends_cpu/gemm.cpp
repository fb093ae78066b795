// What we rely on in oneDNN: right products, bits that do not depend on addresses, and no threads of its own.
#include "backends/cpu/onednn_gemm.h"

#include <dlfcn.h>

#include <filesystem>
#include <limits>
#include <thread>

#include "samples.h"

namespace hadal::cpu {
namespace {

size_t n_threads_of_process() {
    size_t n = 0;
    for (const auto &entry : std::filesystem::directory_iterator("/proc/self/task")) n += !entry.path().empty();
    return n;
}

// c = a * b^T with each matrix a given number of bytes off its natural place, strides longer than rows.
std::vector<float> product(uint32_t dtype, int64_t m, int64_t n, int64_t k, size_t off) {
    Random random(7);
    const int64_t a_stride = k + 3, b_stride = k + 1, c_stride = n + 2;
    const Misaligned<std::byte> a(random_weights(dtype, m * a_stride, random), off);
    const Misaligned<std::byte> b(random_weights(dtype, n * b_stride, random), off);
    std::vector<float> c(static_cast<size_t>(m * c_stride) + off, std::numeric_limits<float>::quiet_NaN());
    const Gemm gemm{m, n, k, a.data(), a_stride, b.data(), b_stride, c.data() + off, c_stride};
    hadal_error err{};
    REQUIRE((dtype == HADAL_DTYPE_F32 ? gemm_f32(gemm, Into::kReplace, &err) : gemm_bf16(gemm, &err)) == HADAL_OK);

    const std::vector<float> as = [&] {
        std::vector<float> all(static_cast<size_t>(m * a_stride));
        sdk::unpack(dtype, a.data(), m * a_stride, all.data());
        return all;
    }();
    std::vector<float> bs(static_cast<size_t>(n * b_stride)), dense;
    sdk::unpack(dtype, b.data(), n * b_stride, bs.data());
    for (int64_t i = 0; i < m; ++i) {
        for (int64_t j = 0; j < n; ++j) {
            double sum = 0, magnitudes = 0;
            for (int64_t l = 0; l < k; ++l) {
                const double one = double{as[i * a_stride + l]} * double{bs[j * b_stride + l]};
                sum += one;
                magnitudes += std::fabs(one);
            }
            const float found = c[off + i * c_stride + j];
            REQUIRE(std::fabs(found - sum) <= 1e-5 * magnitudes);
            dense.push_back(found);
        }
        for (int64_t j = n; j < c_stride; ++j) REQUIRE(std::isnan(c[off + i * c_stride + j]));
    }
    return dense;
}

}  // namespace

TEST_CASE("oneDNN's products are right and do not depend on addresses") {
    std::vector<uint32_t> dtypes = {HADAL_DTYPE_F32};
    if (has_bf16_gemm())
        dtypes.push_back(HADAL_DTYPE_BF16);
    else
        std::printf("SKIPPED: this processor does not multiply bf16\n");
    for (const uint32_t dtype : dtypes)
        for (const int64_t m : {1, 32, 45})
            for (const int64_t n : {1, 31, 128})
                for (const int64_t k : {1, 64, 333}) {
                    CAPTURE(m);
                    CAPTURE(n);
                    CAPTURE(k);
                    const std::vector<float> found = product(dtype, m, n, k, 0);
                    for (size_t off = 1; off < 4; ++off) REQUIRE(same_bits(product(dtype, m, n, k, off), found));
                }
}

TEST_CASE("a product can be added to what was there") {
    const float a[] = {1, 2}, b[] = {3, 4};
    float c = 100;
    const Gemm gemm{1, 1, 2, a, 2, b, 2, &c, 1};
    REQUIRE(gemm_f32(gemm, Into::kAdd, nullptr) == HADAL_OK);
    CHECK(c == 111);
    REQUIRE(gemm_f32(gemm, Into::kReplace, nullptr) == HADAL_OK);
    CHECK(c == 11);
}

TEST_CASE("oneDNN starts no threads, and the caller's OpenMP setting stays") {
    auto *get = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "omp_get_max_threads"));
    auto *set = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
    if (get == nullptr || set == nullptr) {
        std::printf("SKIPPED: oneDNN is built without OpenMP\n");
        return;
    }
    const int before = get();
    set(5);
    const auto large = [] {
        const size_t threads = n_threads_of_process();
        product(HADAL_DTYPE_F32, 64, 512, 512, 0);
        if (has_bf16_gemm()) product(HADAL_DTYPE_BF16, 64, 512, 512, 0);
        CHECK(n_threads_of_process() == threads);
    };
    large();
    CHECK(get() == 5);
    set(before);
    std::thread(large).join();
}

}  // namespace hadal::cpu
