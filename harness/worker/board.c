/* SPDX-License-Identifier: MIT */
#include "harness/worker/board.h"

#include "mechanisms/wait.h"

#include <errno.h>
#include <unistd.h>

const char *const ipm_phase_names[] = {
    "sandbox", "create", "fork",  "attach", "join", "verify",
    "warmup",  "window", "drain", "detach", "gone", NULL,
};

void ipm_board_open(struct ipm_board *board)
{
    atomic_store(&board->arrived, 0);
    (void)atomic_fetch_add(&board->opened, 1);
    ipm_futex_wake(&board->opened, board->n_seats);
}

static void come(struct ipm_board *board, bool gate)
{
    uint32_t opened = atomic_load(&board->opened);
    if (atomic_fetch_add(&board->arrived, 1) + 1 == (uint32_t)board->n_seats) {
        if (!gate) {
            ipm_board_open(board);
            return;
        }
        uint64_t one = 1;
        ssize_t rung;
        do {
            rung = write(board->bell, &one, sizeof(one));
        } while (rung < 0 && errno == EINTR);
    }
    while (atomic_load(&board->opened) == opened)
        (void)ipm_futex_wait(&board->opened, opened, IPM_FOREVER);
}

void ipm_board_barrier(struct ipm_board *board)
{
    come(board, false);
}

void ipm_board_gate(struct ipm_board *board)
{
    come(board, true);
}
