/* SPDX-License-Identifier: MIT */
/*
 * seccomp_call: one round trip in one system call, by seccomp's user notifications.
 *
 * The caller runs under a filter that stops it inside a system call number which no kernel
 * knows.  The server, who holds the filter's listener, reads the request and answers; the
 * answer is what the system call returns.
 *
 * Life cycle: the caller installs and passes the listener, the server inits and takes it;
 * then call <-> serve, answer, over and over; fini.
 *
 * Registers: argument 0 is the request's length and, in its upper half, the room for the
 * reply; 1 to 4 hold a request of up to 32 bytes, else 1 is its address; 5 is the address of
 * that room.  The value returned has a tag in its highest byte: the length of a reply of up
 * to 7 bytes, which follows, or 8 and the length of one that lies in the room.  Lengths are
 * checked on both sides.
 */
#ifndef IPM_MECHANISMS_SECCOMP_CALL_H
#define IPM_MECHANISMS_SECCOMP_CALL_H

#include "mechanisms/mechanism.h"

#include <linux/seccomp.h>

enum {
    IPM_CALL_LONGEST = 1 << 30,      /* bytes of a request or reply */
    IPM_CALL_REQUEST_REGISTERS = 32, /* bytes that ipm_call() reads at the least */
};

/* Puts this thread under the filter, for good, with no_new_privs.  The listener; -errno,
 * -EOPNOTSUPP when the thread has a listener already. */
int ipm_call_install(struct ipm_why *why);

/* Wakes the other side on this CPU, for the waker is about to sleep.  0; -errno. */
int ipm_call_wake_up_in_sync(int listener);

/* Hands a descriptor through a socket.  0; -errno. */
int ipm_call_pass(int socket, int fd);
int ipm_call_take(int socket, int *out_fd);

/**
 * ipm_call() - one round trip
 * @request: at least IPM_CALL_REQUEST_REGISTERS bytes can be read there
 * @span:    room for the reply; its length becomes the reply's
 *
 * Sleeps until the answer or the server's end.
 *
 * Return: 0; IPM_CLOSED; -EMSGSIZE the reply is longer than the room; -errno.
 */
int ipm_call(const unsigned char *request, size_t length, struct ipm_span *span);

struct ipm_call_server {
    int listener_plus_one; /* set by who took it */
    bool polls;  /* before each NOTIF_RECV: this kernel would sleep through the end */
    bool called; /* a request was taken and not answered */
    size_t max_message;
    struct seccomp_notif *request;
    struct seccomp_notif_resp *reply;
    struct seccomp_notif_sizes sizes;
};

int ipm_call_server_init(struct ipm_call_server *server, size_t max_message,
                         struct ipm_why *why);
/* Closes the listener, too.  Idempotent, accepts zeroes. */
void ipm_call_server_fini(struct ipm_call_server *server);

/* Waits for a request, as recv_n() waits; while one is not answered there is none. */
int ipm_call_serve(struct ipm_call_server *server, struct ipm_span *span,
                   int64_t deadline_ns);

/* Answers it.  0; IPM_CLOSED; -errno. */
int ipm_call_answer(struct ipm_call_server *server, const void *data, size_t length);

#endif
