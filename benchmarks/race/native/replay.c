/* Replays recorded answers of subgraphs.

       replay PORT RECORDING DELAY_MICROSECONDS

   RECORDING has records: a line "PATH_LENGTH BODY_LENGTH ANSWER_LENGTH STATUS", then the bytes of
   path, body and answer, and a line end. A request that was not recorded gets 500 and is counted. `GET /-/counts` answers with
   "requests misses\n". With a delay, each answer is sent that many microseconds after its request arrived.

   One thread and one epoll loop: a request costs little more than the two system calls it needs. */

#include "http.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { EVENTS = 256, CONNECTIONS = 65536 };

typedef struct {
    uint64_t hash;
    size_t path_length, body_length, answer_length;
    const char *path, *body, *answer; /* the answer begins with its head */
} Record;

typedef struct {
    Buffer in, out;
    size_t sent;
    int is_open;
} Connection;

typedef struct {
    uint64_t due;
    int connection;
    const Record *record;
} Waiting;

static Record *table;
static size_t table_size;
static Connection connections[CONNECTIONS];
static unsigned generation[CONNECTIONS];
static unsigned long requests, misses;
static uint64_t delay;
static int poll_fd;

/* Answers wait in the order of their requests, because all of them wait for the same time. */
static Waiting *waiting;
static unsigned *waiting_generation;
static size_t first_waiting, waiting_count, waiting_size;

static const char MISS[] = "HTTP/1.1 500 Not Recorded\r\ncontent-type: application/json\r\ncontent-length: 39\r\n\r\n"
                           "{\"errors\":[{\"message\":\"not recorded\"}]}";
static const Record NOT_RECORDED = {.answer = MISS, .answer_length = sizeof MISS - 1};

static uint64_t key(const char *path, size_t path_length, const char *body, size_t body_length) {
    return hash_bytes(body, body_length, hash_bytes(path, path_length, 1));
}

static void insert(Record record) {
    size_t place = record.hash & (table_size - 1);
    while (table[place].answer) place = (place + 1) & (table_size - 1);
    table[place] = record;
}

static const Record *find(const char *path, size_t path_length, const char *body, size_t body_length) {
    uint64_t hash = key(path, path_length, body, body_length);
    for (size_t place = hash & (table_size - 1); table[place].answer; place = (place + 1) & (table_size - 1)) {
        Record *record = &table[place];
        if (record->hash == hash && record->body_length == body_length && record->path_length == path_length &&
            !memcmp(record->path, path, path_length) && !memcmp(record->body, body, body_length))
            return record;
    }
    return &NOT_RECORDED;
}

static void load(const char *name) {
    FILE *file = fopen(name, "rb");
    if (!file) fail(name);
    size_t count = 0, capacity = 1024;
    Record *records = calloc(capacity, sizeof *records);
    size_t path_length, body_length, answer_length;
    int status;
    while (fscanf(file, "%zu %zu %zu %d", &path_length, &body_length, &answer_length, &status) == 4) {
        if (fgetc(file) != '\n') break;
        char head[256];
        size_t head_length = (size_t)snprintf(
            head, sizeof head, "HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n", status,
            status == 200 ? "OK" : "Error", answer_length);
        char *bytes = malloc(path_length + body_length + head_length + answer_length);
        char *answer = bytes + path_length + body_length;
        memcpy(answer, head, head_length);
        if (fread(bytes, 1, path_length + body_length, file) != path_length + body_length ||
            fread(answer + head_length, 1, answer_length, file) != answer_length)
            break;
        if (count == capacity) records = realloc(records, (capacity *= 2) * sizeof *records);
        records[count++] = (Record){key(bytes, path_length, bytes + path_length, body_length), path_length, body_length,
                                    head_length + answer_length, bytes, bytes + path_length, answer};
    }
    fclose(file);
    for (table_size = 1024; table_size < 4 * count; table_size *= 2) {}
    table = calloc(table_size, sizeof *table);
    for (size_t index = 0; index < count; index++) insert(records[index]);
    free(records);
}

static void listen_for(int fd, uint32_t events) {
    struct epoll_event event = {.events = events, .data.fd = fd};
    epoll_ctl(poll_fd, EPOLL_CTL_MOD, fd, &event);
}

static void close_connection(int fd) {
    Connection *connection = &connections[fd];
    close(fd);
    connection->in.used = connection->out.used = connection->sent = 0;
    connection->is_open = 0;
    generation[fd]++;
}

static void flush_out(int fd) {
    Connection *connection = &connections[fd];
    while (connection->sent < connection->out.used) {
        ssize_t count = write(fd, connection->out.data + connection->sent, connection->out.used - connection->sent);
        if (count < 0 && errno == EAGAIN) {
            listen_for(fd, EPOLLIN | EPOLLOUT);
            return;
        }
        if (count <= 0) {
            close_connection(fd);
            return;
        }
        connection->sent += (size_t)count;
    }
    connection->out.used = connection->sent = 0;
    listen_for(fd, EPOLLIN);
}

static void answer(int fd, const char *data, size_t length) {
    Connection *connection = &connections[fd];
    if (!connection->out.used) {
        ssize_t count = write(fd, data, length);
        if (count == (ssize_t)length) return;
        if (count < 0 && errno != EAGAIN) {
            close_connection(fd);
            return;
        }
        size_t done = count < 0 ? 0 : (size_t)count;
        append(&connection->out, data + done, length - done);
        listen_for(fd, EPOLLIN | EPOLLOUT);
        return;
    }
    append(&connection->out, data, length);
}

static void wait_with(int fd, const Record *record) {
    if (waiting_count == waiting_size) {
        size_t size = waiting_size ? waiting_size * 2 : 1024;
        Waiting *moved = malloc(size * sizeof *moved);
        unsigned *moved_generation = malloc(size * sizeof *moved_generation);
        for (size_t index = 0; index < waiting_count; index++) {
            moved[index] = waiting[(first_waiting + index) % waiting_size];
            moved_generation[index] = waiting_generation[(first_waiting + index) % waiting_size];
        }
        free(waiting);
        free(waiting_generation);
        waiting = moved;
        waiting_generation = moved_generation;
        waiting_size = size;
        first_waiting = 0;
    }
    size_t place = (first_waiting + waiting_count++) % waiting_size;
    waiting[place] = (Waiting){nanoseconds() + delay, fd, record};
    waiting_generation[place] = generation[fd];
}

static void answer_those_due(void) {
    while (waiting_count && waiting[first_waiting].due <= nanoseconds()) {
        Waiting next = waiting[first_waiting];
        unsigned expected = waiting_generation[first_waiting];
        first_waiting = (first_waiting + 1) % waiting_size;
        waiting_count--;
        if (connections[next.connection].is_open && generation[next.connection] == expected)
            answer(next.connection, next.record->answer, next.record->answer_length);
    }
}

static int milliseconds_until_due(void) {
    if (!waiting_count) return -1;
    uint64_t now = nanoseconds(), due = waiting[first_waiting].due;
    return due <= now ? 0 : (int)((due - now) / 1000000u);
}

static void counts(int fd) {
    char body[64], text[192];
    int length = snprintf(body, sizeof body, "%lu %lu\n", requests, misses);
    int all = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s", length, body);
    answer(fd, text, (size_t)all);
}

static void handle(int fd, const char *head, const char *body, size_t body_length) {
    const char *path = strchr(head, ' ');
    const char *end = path ? strchr(path + 1, ' ') : NULL;
    if (!end) {
        close_connection(fd);
        return;
    }
    size_t path_length = (size_t)(end - ++path);
    if (path_length == 9 && !memcmp(path, "/-/counts", 9)) {
        counts(fd);
        return;
    }
    const Record *record = find(path, path_length, body, body_length);
    requests++;
    if (record == &NOT_RECORDED) {
        misses++;
        if (getenv("RACE_SHOW_MISSES"))
            fprintf(stderr, "%.*s %.*s\n", (int)path_length, path, (int)(body_length < 2000 ? body_length : 2000), body);
    }
    if (delay)
        wait_with(fd, record);
    else
        answer(fd, record->answer, record->answer_length);
}

static void read_from(int fd) {
    Connection *connection = &connections[fd];
    reserve(&connection->in, 65537);
    ssize_t count = read(fd, connection->in.data + connection->in.used, connection->in.size - connection->in.used - 1);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
        close_connection(fd);
        return;
    }
    connection->in.used += (size_t)count;
    size_t done = 0;
    while (connection->is_open && done < connection->in.used) {
        char *body, *start = connection->in.data + done;
        size_t body_length, length = message(start, connection->in.used - done, &body, &body_length);
        if (!length) break;
        handle(fd, start, body, body_length);
        done += length;
    }
    if (!connection->is_open || !done) return;
    connection->in.used -= done;
    memmove(connection->in.data, connection->in.data + done, connection->in.used);
}

static void accept_all(int server) {
    int fd, on = 1;
    while ((fd = accept4(server, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (fd >= CONNECTIONS) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        connections[fd].is_open = 1;
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event);
    }
}

static int listening(int port) {
    int server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(server, (struct sockaddr *)&address, sizeof address) || listen(server, 4096)) fail("listen");
    return server;
}

int main(int count, char **arguments) {
    if (count != 4) {
        fprintf(stderr, "usage: replay PORT RECORDING DELAY_MICROSECONDS\n");
        return 2;
    }
    load(arguments[2]);
    delay = strtoull(arguments[3], NULL, 10) * 1000u;
    int server = listening(atoi(arguments[1]));
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = server}, events[EVENTS];
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, server, &event);
    for (;;) {
        int ready = epoll_wait(poll_fd, events, EVENTS, milliseconds_until_due());
        for (int index = 0; index < ready; index++) {
            int fd = events[index].data.fd;
            if (fd == server) {
                accept_all(server);
                continue;
            }
            if (events[index].events & EPOLLOUT) flush_out(fd);
            if (connections[fd].is_open && events[index].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read_from(fd);
        }
        answer_those_due();
    }
}
