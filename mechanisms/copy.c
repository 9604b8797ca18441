/* SPDX-License-Identifier: MIT */
#include "mechanisms/copy.h"

#include "base/clock.h"

#include <errno.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static void copy_memcpy(void *to, const void *from, size_t length)
{
    memcpy(to, from, length);
}

#if defined(__x86_64__)

static void copy_rep(void *to, const void *from, size_t length)
{
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(length) : : "memory");
}

__attribute__((target("avx"))) static void copy_avx(void *to, const void *from,
                                                    size_t length)
{
    unsigned char *t = to;
    const unsigned char *f = from;
    for (; length >= 128; length -= 128, t += 128, f += 128) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)f);
        __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(f + 32));
        __m256i c = _mm256_loadu_si256((const __m256i *)(const void *)(f + 64));
        __m256i d = _mm256_loadu_si256((const __m256i *)(const void *)(f + 96));
        _mm256_storeu_si256((__m256i *)(void *)t, a);
        _mm256_storeu_si256((__m256i *)(void *)(t + 32), b);
        _mm256_storeu_si256((__m256i *)(void *)(t + 64), c);
        _mm256_storeu_si256((__m256i *)(void *)(t + 96), d);
    }
    memcpy(t, f, length);
}

static void copy_nontemporal(void *to, const void *from, size_t length)
{
    unsigned char *t = to;
    const unsigned char *f = from;
    size_t head = -(uintptr_t)to % 16;
    head = head < length ? head : length;
    memcpy(t, f, head);
    for (t += head, f += head, length -= head; length >= 64;
         length -= 64, t += 64, f += 64) {
        __m128i a = _mm_loadu_si128((const __m128i *)(const void *)f);
        __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(f + 16));
        __m128i c = _mm_loadu_si128((const __m128i *)(const void *)(f + 32));
        __m128i d = _mm_loadu_si128((const __m128i *)(const void *)(f + 48));
        _mm_stream_si128((__m128i *)(void *)t, a);
        _mm_stream_si128((__m128i *)(void *)(t + 16), b);
        _mm_stream_si128((__m128i *)(void *)(t + 32), c);
        _mm_stream_si128((__m128i *)(void *)(t + 48), d);
    }
    memcpy(t, f, length);
    /* Streaming stores are not ordered before a later plain one. */
    _mm_sfence();
}

const struct ipm_copy ipm_copies[IPM_COPY_KERNELS] = {
    {"memcpy", copy_memcpy},
    {"rep", copy_rep},
    {"avx", copy_avx},
    {"nontemporal", copy_nontemporal},
};

int ipm_copy_check(int kernel, struct ipm_why *why)
{
    __builtin_cpu_init();
    if (ipm_copies[kernel].copy == copy_avx && !__builtin_cpu_supports("avx"))
        return ipm_why_set(why, -EOPNOTSUPP, "this CPU has no AVX");
    return 0;
}

#else

const struct ipm_copy ipm_copies[IPM_COPY_KERNELS] = {
    {"memcpy", copy_memcpy},
    {"rep", NULL},
    {"avx", NULL},
    {"nontemporal", NULL},
};

int ipm_copy_check(int kernel, struct ipm_why *why)
{
    if (ipm_copies[kernel].copy == NULL)
        return ipm_why_set(why, -EOPNOTSUPP, "copy kernel %s is for x86-64",
                           ipm_copies[kernel].name);
    return 0;
}

#endif

enum {
    BLOCK_BYTES = 256 << 10,
    LEAST_BLOCK = 2, /* messages */
    MOST_BLOCK = 16,
    TRIES = 6, /* blocks per kernel; the first is thrown away with its faults */
    CLEARLY_PERCENT =
        95, /* another kernel than memcpy must take at most so much of it */
};

static int next_kernel(int kernel)
{
    do
        kernel = (kernel + 1) % IPM_COPY_KERNELS;
    while (ipm_copy_check(kernel, NULL) != 0);
    return kernel;
}

void ipm_copy_choice_init(struct ipm_copy_choice *choice)
{
    *choice = (struct ipm_copy_choice){.open = next_kernel(0) != 0};
    for (int i = 0; i < IPM_COPY_KERNELS; i++)
        choice->best_ns[i] = INT64_MAX;
}

static void decide(struct ipm_copy_choice *choice)
{
    int64_t limit_ns = choice->best_ns[0] / 100 * CLEARLY_PERCENT;
    choice->open = false;
    choice->kernel = 0;
    for (int i = 1; i < IPM_COPY_KERNELS; i++) {
        if (choice->best_ns[i] < limit_ns) {
            limit_ns = choice->best_ns[i];
            choice->kernel = i;
        }
    }
}

void ipm_copy_choice_step(struct ipm_copy_choice *choice, size_t length)
{
    if (choice->left > 0) {
        choice->left--;
        return;
    }
    size_t fitting = BLOCK_BYTES / length;
    uint32_t block = fitting < LEAST_BLOCK  ? LEAST_BLOCK
                     : fitting > MOST_BLOCK ? MOST_BLOCK
                                            : (uint32_t)fitting;
    int64_t now_ns = ipm_now_ns();
    if (choice->begun_ns != 0) {
        int64_t each_ns = (now_ns - choice->begun_ns) / block;
        if (choice->blocks >= IPM_COPY_KERNELS &&
            each_ns < choice->best_ns[choice->kernel])
            choice->best_ns[choice->kernel] = each_ns;
        choice->kernel = next_kernel(choice->kernel);
        if (++choice->blocks >= TRIES * IPM_COPY_KERNELS) {
            decide(choice);
            return;
        }
    }
    choice->begun_ns = now_ns;
    choice->left = block - 1;
}
