/* What replay.c and load.c share: growing buffers, a hash of bytes, and the parts of HTTP/1.1 that both need. */
#ifndef RACE_HTTP_H
#define RACE_HTTP_H

#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    char *data;
    size_t used, size;
} Buffer;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void reserve(Buffer *buffer, size_t more) {
    if (buffer->used + more <= buffer->size) return;
    while (buffer->size < buffer->used + more) buffer->size = buffer->size ? buffer->size * 2 : 16384;
    buffer->data = realloc(buffer->data, buffer->size);
    if (!buffer->data) fail("realloc");
}

static inline void append(Buffer *buffer, const void *data, size_t length) {
    reserve(buffer, length);
    memcpy(buffer->data + buffer->used, data, length);
    buffer->used += length;
}

static uint64_t nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Eight bytes at a time, so that a body of 100 KB costs microseconds. Collisions are found by comparing the bytes. */
static inline uint64_t hash_bytes(const char *data, size_t length, uint64_t hash) {
    uint64_t word;
    for (; length >= 8; data += 8, length -= 8) {
        memcpy(&word, data, 8);
        hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
        hash ^= hash >> 29;
    }
    word = 0;
    memcpy(&word, data, length);
    hash = (hash ^ word ^ ((uint64_t)length << 56)) * 0x9E3779B97F4A7C15u;
    return hash ^ (hash >> 32);
}

/* The end of the head, just after its empty line, or NULL. */
static char *head_end(char *data, size_t length) {
    char *end = memmem(data, length, "\r\n\r\n", 4);
    return end ? end + 4 : NULL;
}

/* The value of a header whose name is given in lower case with its colon, or NULL. */
static const char *header(const char *head, const char *end, const char *name) {
    size_t length = strlen(name);
    for (const char *line = head; line && line + length < end; line = memchr(line, '\n', (size_t)(end - line))) {
        if (*line == '\n') line++;
        if (line + length < end && strncasecmp(line, name, length) == 0) {
            for (line += length; *line == ' '; line++) {}
            return line;
        }
    }
    return NULL;
}

/* The length of the first message of `data` as it was sent, 0 if it is not complete. `*body` and `*body_length` are its
   body; the chunks of a chunked body are joined in place, once, when the message is complete. */
static size_t message(char *data, size_t length, char **body, size_t *body_length) {
    char *start = head_end(data, length);
    if (!start) return 0;
    size_t head = (size_t)(start - data);
    const char *value = header(data, start, "content-length:");
    *body = start;
    if (value) {
        *body_length = strtoull(value, NULL, 10);
        return head + *body_length <= length ? head + *body_length : 0;
    }
    *body_length = 0;
    value = header(data, start, "transfer-encoding:");
    if (!value || strncasecmp(value, "chunked", 7) != 0) return head;
    for (int joins = 0; joins < 2; joins++) {
        char *from = start, *to = start;
        for (;;) {
            char *line = memmem(from, length - (size_t)(from - data), "\r\n", 2);
            if (!line) return 0;
            size_t size = strtoull(from, NULL, 16);
            from = line + 2;
            if ((size_t)(from - data) + size + 2 > length) return 0;
            if (joins) memmove(to, from, size);
            to += size;
            from += size + 2;
            if (size == 0) break;
        }
        *body_length = (size_t)(to - start);
        if (joins) return (size_t)(from - data);
    }
    return 0;
}

#endif
