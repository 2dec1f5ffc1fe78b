/* Sends requests to one router, and prints one line of JSON with the times of the responses.

       load PORT REQUESTS CONNECTIONS SECONDS COUNT RATE

   REQUESTS is a file of complete HTTP requests: "LENGTH\n" and the bytes of each. They are sent in turn. Without a RATE (0),
   each connection sends its next request when it has its response (closed loop), until SECONDS have passed or COUNT
   responses have arrived (0: no limit). With a RATE, requests begin 1/RATE seconds apart, 50 % more or less, whether or not
   earlier ones have ended (open loop); a response time then begins when the request was due.

   A response counts as failed if its status is not 200. Its body is not looked at: `compare` has done so before. */

#include "http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum { EVENTS = 256, MOST_CONNECTIONS = 4096 };

typedef struct {
    char *data;
    size_t length;
} Request;

typedef struct {
    int fd, is_busy;
    Buffer in;
    const Request *request;
    size_t written;
    uint64_t began;
} Connection;

static Request *request_list;
static size_t request_count, next_request;
static Connection connections[MOST_CONNECTIONS];
static int connection_count, poll_fd, port;
static uint32_t *times; /* microseconds */
static size_t time_count, time_size;
static unsigned long failed, bytes, broken;

/* The requests that are due and have no free connection, as a ring of the times when they were due. */
static uint64_t *due_times;
static size_t due_first, due_count, due_size;

static void read_requests(const char *name) {
    FILE *file = fopen(name, "rb");
    if (!file) fail(name);
    size_t length, size = 0;
    while (fscanf(file, "%zu", &length) == 1 && fgetc(file) == '\n') {
        if (request_count == size) request_list = realloc(request_list, (size = size ? size * 2 : 64) * sizeof(Request));
        char *data = malloc(length);
        if (fread(data, 1, length, file) != length) fail("a request is cut off");
        request_list[request_count++] = (Request){data, length};
    }
    fclose(file);
    if (!request_count) {
        fprintf(stderr, "no requests in %s\n", name);
        exit(2);
    }
}

static void open_connection(int index) {
    Connection *connection = &connections[index];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int on = 1;
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(connection->fd, (struct sockaddr *)&address, sizeof address)) fail("connect");
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection->in.used = 0;
    connection->is_busy = 0;
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)index};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, connection->fd, &event);
}

/* Requests are written with blocking calls: the kernel's buffer takes most of them at once. */
static void send_request(int index, uint64_t began) {
    Connection *connection = &connections[index];
    connection->request = &request_list[next_request++ % request_count];
    connection->began = began;
    connection->is_busy = 1;
    size_t sent = 0;
    while (sent < connection->request->length) {
        ssize_t count = send(connection->fd, connection->request->data + sent, connection->request->length - sent, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return; /* the read side sees the end, too */
        sent += (size_t)count;
    }
}

static void reopen(int index) {
    close(connections[index].fd);
    if (connections[index].is_busy) broken++;
    open_connection(index);
}

/* True if the response is complete now. */
static int receive(int index) {
    Connection *connection = &connections[index];
    reserve(&connection->in, 131073);
    ssize_t count = recv(connection->fd, connection->in.data + connection->in.used,
                         connection->in.size - connection->in.used - 1, MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    if (count <= 0) {
        reopen(index);
        return -1;
    }
    connection->in.used += (size_t)count;
    char *body;
    size_t body_length, length = message(connection->in.data, connection->in.used, &body, &body_length);
    if (!length) return 0;
    if (connection->in.used < 12 || memcmp(connection->in.data + 9, "200", 3)) failed++;
    bytes += body_length;
    uint64_t taken = (nanoseconds() - connection->began) / 1000u;
    if (time_count == time_size) times = realloc(times, (time_size = time_size ? time_size * 2 : 65536) * sizeof *times);
    times[time_count++] = (uint32_t)taken;
    const char *close_header = header(connection->in.data, body, "connection:");
    connection->in.used = 0;
    connection->is_busy = 0;
    if (close_header && !strncasecmp(close_header, "close", 5)) reopen(index);
    return 1;
}

static int ascending(const void *left, const void *right) {
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static double percentile(double share) {
    if (!time_count) return 0;
    size_t place = (size_t)(share * (double)(time_count - 1) + 0.5);
    return times[place];
}

static void closed_loop(uint64_t end, size_t count) {
    struct epoll_event events[EVENTS];
    size_t begun = 0;
    int running = 0;
    for (int index = 0; index < connection_count && (!count || begun < count); index++, begun++, running++)
        send_request(index, nanoseconds());
    while (running > 0) {
        int ready = epoll_wait(poll_fd, events, EVENTS, 1000);
        uint64_t now = nanoseconds();
        if (!ready && now > end + 120000000000u) {
            fprintf(stderr, "%d responses did not arrive within two minutes\n", running);
            exit(3);
        }
        for (int position = 0; position < ready; position++) {
            int index = (int)events[position].data.u32;
            int was_busy = connections[index].is_busy, result = receive(index);
            if (!result || !was_busy) continue;
            if (now < end && (!count || begun < count)) {
                begun++;
                send_request(index, nanoseconds());
            } else
                running--;
        }
    }
}

static void push_due(uint64_t due) {
    if (due_count == due_size) {
        size_t size = due_size ? due_size * 2 : 1024;
        uint64_t *moved = malloc(size * sizeof *moved);
        for (size_t index = 0; index < due_count; index++) moved[index] = due_times[(due_first + index) % due_size];
        free(due_times);
        due_times = moved;
        due_size = size;
        due_first = 0;
    }
    due_times[(due_first + due_count++) % due_size] = due;
}

static void send_those_due(void) {
    for (int index = 0; due_count && index < connection_count; index++) {
        if (connections[index].is_busy) continue;
        send_request(index, due_times[due_first]);
        due_first = (due_first + 1) % due_size;
        due_count--;
    }
}

static uint64_t random_state = 88172645463325252u;

static double random_share(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (double)(random_state >> 11) / 9007199254740992.0;
}

static void open_loop(uint64_t start, uint64_t end, double rate) {
    struct epoll_event events[EVENTS];
    uint64_t due = start;
    for (;;) {
        uint64_t now = nanoseconds();
        for (; due <= now && due < end; due += (uint64_t)((0.5 + random_share()) / rate * 1e9)) push_due(due);
        send_those_due();
        int busy = 0;
        for (int index = 0; index < connection_count; index++) busy += connections[index].is_busy;
        if (due >= end && !busy && !due_count) return;
        if (now > end + 120000000000u) {
            fprintf(stderr, "%d responses did not arrive within two minutes\n", busy);
            exit(3);
        }
        uint64_t next = due < end ? due : now + 10000000u;
        struct timespec wait = {0, next > now ? (long)(next - now > 10000000u ? 10000000u : next - now) : 0};
        int ready = epoll_pwait2(poll_fd, events, EVENTS, &wait, NULL);
        for (int position = 0; position < ready; position++) receive((int)events[position].data.u32);
    }
}

int main(int count, char **arguments) {
    if (count != 7) {
        fprintf(stderr, "usage: load PORT REQUESTS CONNECTIONS SECONDS COUNT RATE\n");
        return 2;
    }
    port = atoi(arguments[1]);
    read_requests(arguments[2]);
    connection_count = atoi(arguments[3]);
    if (connection_count < 1 || connection_count > MOST_CONNECTIONS) return 2;
    double seconds = atof(arguments[4]), rate = atof(arguments[6]);
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    for (int index = 0; index < connection_count; index++) open_connection(index);
    uint64_t start = nanoseconds(), end = start + (uint64_t)(seconds * 1e9);
    if (rate > 0)
        open_loop(start, end, rate);
    else
        closed_loop(end, (size_t)strtoull(arguments[5], NULL, 10));
    double taken = (double)(nanoseconds() - start) / 1e9;
    qsort(times, time_count, sizeof *times, ascending);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double used = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                  (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    printf("{\"responses\": %zu, \"failed\": %lu, \"broken\": %lu, \"bytes\": %lu, \"seconds\": %.6f, \"p50\": %.0f, "
           "\"p99\": %.0f, \"longest\": %.0f, \"processor_seconds\": %.6f}\n",
           time_count, failed, broken, bytes, taken, percentile(0.5), percentile(0.99), percentile(1.0), used);
    return 0;
}
