/* The application that deploy tests deploy: hello serve|sick|broken VERSION
 *
 * `serve`  answers every GET on port 8080 with 200 and "hello VERSION".
 * `sick`   answers 503 instead: it runs, but no health check passes.
 * `broken` complains and exits with 1 at once.
 *
 * On SIGTERM it takes what is already in the queue, answers it, and exits 0.
 * That is how a well-behaved application ends, and it lets a test blame every
 * lost request on the deployment instead of on the application.
 *
 * One thread and one buffer per connection are enough: requests are a few
 * hundred bytes and answers are shorter.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PORT = 8080, CONNECTIONS = 1024, REQUEST_MAX = 8192 };

struct connection {
    size_t length;
    char request[REQUEST_MAX];
};

/* Slot 0 of `polled` is the listener; slot i belongs to connections[i]. */
static struct pollfd polled[CONNECTIONS];
static struct connection connections[CONNECTIONS];
static volatile sig_atomic_t ending;

static void on_term(int signal) {
    (void)signal;
    ending = 1;
}

static void drop(int slot) {
    close(polled[slot].fd);
    polled[slot].fd = -1;
}

/* Answers one request and says whether the connection may stay open. */
static bool answer(int fd, const char *request, bool sick, const char *version) {
    /* HTTP/1.0 closes by default; so does this program once it is told to end. */
    bool stays = !ending && strcasestr(request, "\r\nConnection: close") == NULL &&
                 strstr(request, " HTTP/1.0\r\n") == NULL;
    char body[128], head[256];
    int body_length = snprintf(body, sizeof body, "%s %s\n", sick ? "sick" : "hello", version);
    if (strncmp(request, "HEAD ", 5) != 0 && strncmp(request, "GET ", 4) != 0) {
        /* A body may follow that this program would take for the next request. */
        stays = false;
    }
    int head_length = snprintf(head, sizeof head,
                               "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n"
                               "Connection: %s\r\n\r\n",
                               sick ? "503 Service Unavailable" : "200 OK", body_length,
                               stays ? "keep-alive" : "close");
    if (strncmp(request, "HEAD ", 5) != 0) {
        memcpy(head + head_length, body, (size_t)body_length);
        head_length += body_length;
    }
    return send(fd, head, (size_t)head_length, MSG_NOSIGNAL) == head_length && stays;
}

static void serve(int slot, bool sick, const char *version) {
    struct connection *connection = &connections[slot];
    ssize_t got = recv(polled[slot].fd, connection->request + connection->length,
                       REQUEST_MAX - 1 - connection->length, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0) {
        drop(slot);
        return;
    }
    connection->length += (size_t)got;
    connection->request[connection->length] = '\0';

    char *end;
    while ((end = strstr(connection->request, "\r\n\r\n")) != NULL) {
        size_t used = (size_t)(end + 4 - connection->request);
        char next = connection->request[used];
        connection->request[used] = '\0';
        if (!answer(polled[slot].fd, connection->request, sick, version)) {
            drop(slot);
            return;
        }
        connection->request[used] = next;
        connection->length -= used;
        memmove(connection->request, connection->request + used, connection->length + 1);
    }
    if (connection->length == REQUEST_MAX - 1) {
        drop(slot);
    }
}

static void accept_waiting(void) {
    for (int slot = 1; slot < CONNECTIONS; slot++) {
        if (polled[slot].fd != -1) {
            continue;
        }
        int fd = accept4(polled[0].fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd == -1) {
            return;
        }
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        polled[slot] = (struct pollfd){.fd = fd, .events = POLLIN};
        connections[slot].length = 0;
    }
}

static int listen_on_port(void) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    if (fd == -1 || bind(fd, (struct sockaddr *)&any, sizeof any) == -1 || listen(fd, 1024) == -1) {
        perror("hello: cannot listen");
        return -1;
    }
    return fd;
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc != 3 || strlen(argv[2]) > 64) {
        fprintf(stderr, "usage: hello serve|sick|broken VERSION\n");
        return 2;
    }
    const char *version = argv[2];
    if (strcmp(argv[1], "broken") == 0) {
        fprintf(stderr, "hello %s: error: cannot read the setting GREETING, giving up\n", version);
        return 1;
    }
    bool sick = strcmp(argv[1], "sick") == 0;

    /* The signal is let in only while ppoll sleeps, so that none is missed
     * between looking at `ending` and going to sleep. */
    sigset_t blocked, open;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGINT);
    sigprocmask(SIG_BLOCK, &blocked, &open);
    struct sigaction action = {.sa_handler = on_term};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);

    for (int slot = 1; slot < CONNECTIONS; slot++) {
        polled[slot].fd = -1;
    }
    polled[0] = (struct pollfd){.fd = listen_on_port(), .events = POLLIN};
    if (polled[0].fd == -1) {
        return 1;
    }
    printf("hello %s: listening on port %d\n", version, PORT);

    while (!ending) {
        if (ppoll(polled, CONNECTIONS, NULL, &open) == -1) {
            continue;
        }
        for (int slot = 1; slot < CONNECTIONS; slot++) {
            if (polled[slot].fd != -1 && polled[slot].revents != 0) {
                serve(slot, sick, version);
            }
        }
        if (polled[0].revents != 0) {
            accept_waiting();
        }
    }

    /* Half a second of silence means that nobody is in the middle of a request. */
    accept_waiting();
    close(polled[0].fd);
    polled[0].fd = -1;
    struct timespec silence = {.tv_nsec = 500000000};
    while (ppoll(polled, CONNECTIONS, &silence, NULL) > 0) {
        for (int slot = 1; slot < CONNECTIONS; slot++) {
            if (polled[slot].fd != -1 && polled[slot].revents != 0) {
                serve(slot, sick, version);
            }
        }
    }
    printf("hello %s: ended\n", version);
    return 0;
}
