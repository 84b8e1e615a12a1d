// What the shim asks of the machine and of the calling thread.

#include <omp.h>

#if defined(__linux__)
#include <malloc.h>
#endif

#include "guard.h"
#include "vane_faiss.h"

#if defined(__x86_64__) && defined(__AVX2__)
#include <cpuid.h>

namespace {

struct Feature {
    const char* name;
    unsigned leaf;
    unsigned reg; // 0 eax, 1 ebx, 2 ecx, 3 edx
    unsigned bit;
};

// What .cargo/config.toml turns on. Asked of the CPU itself: the compilers' own tests
// may answer at compile time for a feature that is turned on.
constexpr Feature FEATURES[] = {
        {"pclmulqdq", 1, 2, 1},
        {"fma", 1, 2, 12},
        {"sse4.2", 1, 2, 20},
        {"popcnt", 1, 2, 23},
        {"osxsave", 1, 2, 27},
        {"avx", 1, 2, 28},
        {"f16c", 1, 2, 29},
        {"bmi1", 7, 1, 3},
        {"avx2", 7, 1, 5},
        {"bmi2", 7, 1, 8},
        {"lzcnt", 0x80000001, 2, 5},
};

// The operating system saves the xmm and ymm registers.
constexpr unsigned XMM_AND_YMM = 6;

bool has(const Feature& feature) {
    unsigned regs[4];
    if (!__get_cpuid_count(feature.leaf, 0, &regs[0], &regs[1], &regs[2], &regs[3])) {
        return false;
    }
    return (regs[feature.reg] >> feature.bit) & 1;
}

bool saves_ymm() {
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & XMM_AND_YMM) == XMM_AND_YMM;
}

} // namespace

const char* vane_missing_cpu_feature(void) {
    for (const Feature& feature : FEATURES) {
        if (!has(feature)) {
            return feature.name;
        }
    }
    // Only now: xgetbv exists where osxsave does.
    return saves_ymm() ? nullptr : "avx (not enabled by the operating system)";
}

#else

const char* vane_missing_cpu_feature(void) {
    return nullptr;
}

#endif

void vane_single_threaded(void) {
    omp_set_num_threads(1);
}

const char* vane_last_error(void) {
    return vane::message();
}

// The allocator of Rust's side, in programs that have it: empty pages of the calling thread, and
// with `force` those that no thread has. An idle node would keep what a load took: pages go back
// when somebody frees more.
extern "C" void mi_collect(bool force) __attribute__((weak));

void vane_trim_memory(void) {
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
    if (mi_collect != nullptr) {
        mi_collect(true);
    }
}

void vane_trim_thread(void) {
    if (mi_collect != nullptr) {
        mi_collect(false);
    }
}
