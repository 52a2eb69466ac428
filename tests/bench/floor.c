/* The floor: what recording costs at least on this machine. One thread; per wake-up: recv, walk the RTP packets,
 * AES-256-GCM over blocks, pwrite into one preallocated file. No access units, hashes, signatures or syncs.
 * A recorder cannot be cheaper than this without giving up encryption. Built and driven by floor.py.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_BYTES (1u << 20)
#define BLOCK_BYTES (256u << 10)
#define RING_BYTES (64u << 20)
#define TAG_BYTES 16

struct camera {
    int socket;
    uint8_t *buffer;
    size_t filled, parsed, sealed;
    uint16_t expected;
    uint64_t packets, counter;
    off_t base, offset;
    EVP_CIPHER_CTX *cipher;
};

struct totals { uint64_t bytes, packets, frames, lost, wake_ups, written, cpu_ns, wall_ns; };

static uint8_t sealed_block[BUFFER_BYTES + TAG_BYTES];

static uint64_t clock_ns(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + t.tv_nsec;
}

static int seal(struct camera *c, size_t end, int file, struct totals *totals) {
    uint8_t nonce[12] = {0};
    int length, tail;
    memcpy(nonce, &c->counter, sizeof c->counter);
    c->counter++;
    EVP_EncryptInit_ex(c->cipher, NULL, NULL, NULL, nonce);
    EVP_EncryptUpdate(c->cipher, sealed_block, &length, c->buffer + c->sealed, (int)(end - c->sealed));
    EVP_EncryptFinal_ex(c->cipher, sealed_block + length, &tail);
    EVP_CIPHER_CTX_ctrl(c->cipher, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, sealed_block + length);
    if (c->offset + length + TAG_BYTES > RING_BYTES) c->offset = 0;
    ssize_t n = pwrite(file, sealed_block, length + TAG_BYTES, c->base + c->offset);
    if (n < 0) return -1;
    c->offset += n;
    totals->written += n;
    c->sealed = end;
    return 0;
}

static int walk(struct camera *c, int file, struct totals *totals) {
    while (c->filled - c->parsed >= 16) {
        uint8_t *p = c->buffer + c->parsed;
        if (p[0] != '$') { /* an RTSP answer between the packets */
            uint8_t *end = memmem(p, c->filled - c->parsed, "\r\n\r\n", 4);
            if (!end) return 0;
            c->parsed += end + 4 - p;
            continue;
        }
        size_t length = 4 + (p[2] << 8 | p[3]);
        if (c->parsed + length > c->filled) return 0;
        c->parsed += length;
        if (p[1] != 0) continue;
        uint16_t sequence = p[6] << 8 | p[7];
        if (c->packets && sequence != c->expected) totals->lost += (uint16_t)(sequence - c->expected);
        c->expected = sequence + 1;
        c->packets++;
        totals->packets++;
        if (p[5] & 0x80) {
            totals->frames++;
            if (c->parsed - c->sealed >= BLOCK_BYTES && seal(c, c->parsed, file, totals)) return -1;
        }
    }
    return 0;
}

/* Record `count` playing sockets for `warm_up` and then `duration` seconds; the totals are of the latter.
 * Returns 0, or -1 when a camera or the disk failed. */
int floor_run(const int *sockets, int count, int file, double warm_up, double duration, int low_water,
              struct totals *totals) {
    int poll = epoll_create1(0), result = 0;
    uint8_t key[32] = {1};
    struct camera *cameras = calloc(count, sizeof *cameras);
    struct epoll_event events[64];
    for (int i = 0; i < count; i++) {
        struct camera *c = &cameras[i];
        c->socket = sockets[i];
        c->base = (off_t)i * RING_BYTES;
        c->buffer = malloc(BUFFER_BYTES);
        c->cipher = EVP_CIPHER_CTX_new();
        EVP_EncryptInit_ex(c->cipher, EVP_aes_256_gcm(), NULL, key, NULL);
        if (low_water) setsockopt(c->socket, SOL_SOCKET, SO_RCVLOWAT, &low_water, sizeof low_water);
        struct epoll_event e = {.events = EPOLLIN, .data.u32 = i};
        epoll_ctl(poll, EPOLL_CTL_ADD, c->socket, &e);
    }
    uint64_t begin_ns = clock_ns(CLOCK_MONOTONIC) + (uint64_t)(warm_up * 1e9), begin_cpu_ns = 0;
    uint64_t end_ns = begin_ns + (uint64_t)(duration * 1e9), now_ns;
    while (!result && (now_ns = clock_ns(CLOCK_MONOTONIC)) < end_ns) {
        if (!begin_cpu_ns && now_ns >= begin_ns) {
            memset(totals, 0, sizeof *totals);
            begin_cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
        }
        int ready = epoll_wait(poll, events, 64, 200);
        for (int j = 0; j < ready && !result; j++) {
            struct camera *c = &cameras[events[j].data.u32];
            if (BUFFER_BYTES - c->filled < (128u << 10)) {
                memmove(c->buffer, c->buffer + c->sealed, c->filled - c->sealed);
                c->filled -= c->sealed;
                c->parsed -= c->sealed;
                c->sealed = 0;
            }
            ssize_t n = recv(c->socket, c->buffer + c->filled, BUFFER_BYTES - c->filled, MSG_DONTWAIT);
            if (n < 0 && errno == EAGAIN) continue;
            if (n <= 0) { result = -1; break; }
            c->filled += n;
            totals->bytes += n;
            totals->wake_ups++;
            result = walk(c, file, totals);
        }
    }
    totals->cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - begin_cpu_ns;
    totals->wall_ns = clock_ns(CLOCK_MONOTONIC) - begin_ns;
    for (int i = 0; i < count; i++) { EVP_CIPHER_CTX_free(cameras[i].cipher); free(cameras[i].buffer); }
    free(cameras);
    close(poll);
    return result;
}
