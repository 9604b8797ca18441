/* SPDX-License-Identifier: MIT */
#include "tests/bench/boost_queue.h"

#include <boost/lockfree/spsc_queue.hpp>

#include <new>

#if defined(__x86_64__)
#include <immintrin.h>
#define RELAX() _mm_pause()
#else
#define RELAX() ((void)0)
#endif

namespace
{

template <size_t N> struct record {
    unsigned char bytes[N];
};

/* The same room in messages as the ring has by its own choice, and never less than 64. */
template <size_t N> struct queue {
    static constexpr size_t capacity = 64;
    using type = boost::lockfree::spsc_queue<record<N>,
                                             boost::lockfree::capacity<capacity>>;

    static void construct(void *memory)
    {
        new (memory) type;
    }

    static void run_push(void *memory, void *buffer, uint64_t count)
    {
        type &q = *static_cast<type *>(memory);
        record<N> &r = *static_cast<record<N> *>(buffer);
        for (uint64_t i = 0; i < count; i++) {
            for (unsigned turns = 0; !q.push(r);) {
                if (++turns > 2048)
                    RELAX();
            }
        }
    }

    static void run_pop(void *memory, void *buffer, uint64_t count)
    {
        type &q = *static_cast<type *>(memory);
        record<N> &r = *static_cast<record<N> *>(buffer);
        for (uint64_t i = 0; i < count; i++) {
            for (unsigned turns = 0; !q.pop(r);) {
                if (++turns > 2048)
                    RELAX();
            }
        }
    }

    static constexpr ipm_boost_queue row()
    {
        return {N, capacity, sizeof(type), construct, run_push, run_pop};
    }
};

} // namespace

extern "C" const ipm_boost_queue ipm_boost_queues[] = {
    queue<8>::row(),
    queue<56>::row(),
    queue<256>::row(),
    queue<4096>::row(),
    {0, 0, 0, nullptr, nullptr, nullptr},
};
