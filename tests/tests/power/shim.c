/* A disk that tells what it was asked to do: preloaded into a program, it writes down every change
   of the files below LANDLINE_POWER_DIR, in order, to the file LANDLINE_POWER_TRACE, together with
   each request to make something durable. disk.rs makes of it the disk as a power cut would leave
   it. Nothing is synced for real: what counts is that it was asked for, and when.

   A record: kind, two numbers, a length, and so many bytes.
     O inode is_folder path    a name was opened (the first time: made)
     W inode offset bytes      T inode length      S inode (fsync of a file or folder)
     R from\0to                U path              M inode - path (mkdir) */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define SLOTS 65536 /* inodes that are watched */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *dir;
static size_t dir_len;
static int trace = -1;
static dev_t device;
static uint64_t watched[SLOTS];

struct __attribute__((packed)) head {
    char kind;
    uint64_t a, b;
    uint32_t len;
};

__attribute__((constructor)) static void begin(void) {
    const char *to = getenv("LANDLINE_POWER_TRACE");
    struct stat st;
    dir = getenv("LANDLINE_POWER_DIR");
    if (!dir || !to || stat(dir, &st)) return;
    dir_len = strlen(dir);
    device = st.st_dev;
    trace = syscall(SYS_openat, AT_FDCWD, to, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

static void record(char kind, uint64_t a, uint64_t b, const void *data, size_t len) {
    struct head head = {kind, a, b, len};
    struct iovec parts[2] = {{&head, sizeof head}, {(void *)data, len}};
    if (syscall(SYS_writev, trace, parts, 2) != (long)(sizeof head + len)) abort();
}

static const char *below(const char *path) {
    if (trace < 0 || strncmp(path, dir, dir_len)) return NULL;
    if (path[dir_len] == 0) return path + dir_len;
    return path[dir_len] == '/' ? path + dir_len + 1 : NULL;
}

static uint64_t *slot(uint64_t inode) {
    size_t at = inode % SLOTS;
    while (watched[at] && watched[at] != inode) at = (at + 1) % SLOTS;
    return &watched[at];
}

/* The inode, if it is one of ours; else 0. */
static uint64_t ours(int fd) {
    struct stat st;
    int keep = errno;
    uint64_t inode = 0;
    if (trace >= 0 && !fstat(fd, &st) && st.st_dev == device && *slot(st.st_ino)) inode = st.st_ino;
    errno = keep;
    return inode;
}

static int do_open(const char *path, int flags, mode_t mode) {
    const char *name = below(path);
    if (!name) return syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    pthread_mutex_lock(&lock);
    int fd = syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    struct stat st;
    if (fd >= 0 && !fstat(fd, &st)) {
        *slot(st.st_ino) = st.st_ino;
        record('O', st.st_ino, S_ISDIR(st.st_mode), name, strlen(name));
        if (flags & O_TRUNC) record('T', st.st_ino, 0, NULL, 0);
    }
    pthread_mutex_unlock(&lock);
    return fd;
}

#define MODE(flags)                                                                               \
    mode_t mode = 0;                                                                              \
    if (flags & (O_CREAT | O_TMPFILE)) {                                                          \
        va_list more;                                                                             \
        va_start(more, flags);                                                                    \
        mode = va_arg(more, mode_t);                                                              \
        va_end(more);                                                                             \
    }

int open(const char *path, int flags, ...) { MODE(flags) return do_open(path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return do_open(path, flags, mode); }

int openat(int at, const char *path, int flags, ...) {
    MODE(flags)
    if (at == AT_FDCWD || path[0] == '/') return do_open(path, flags, mode);
    return syscall(SYS_openat, at, path, flags, mode);
}

int openat64(int at, const char *path, int flags, ...) {
    MODE(flags)
    return openat(at, path, flags, mode);
}

ssize_t write(int fd, const void *data, size_t len) {
    uint64_t inode = ours(fd);
    if (!inode) return syscall(SYS_write, fd, data, len);
    pthread_mutex_lock(&lock);
    ssize_t done = syscall(SYS_write, fd, data, len);
    if (done > 0) record('W', inode, lseek(fd, 0, SEEK_CUR) - done, data, done);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (!ours(fd)) return syscall(SYS_writev, fd, parts, count);
    /* A short write is allowed. */
    for (int n = 0; n < count; n++)
        if (parts[n].iov_len) return write(fd, parts[n].iov_base, parts[n].iov_len);
    return 0;
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at) {
    uint64_t inode = ours(fd);
    if (!inode) return syscall(SYS_pwrite64, fd, data, len, at);
    pthread_mutex_lock(&lock);
    ssize_t done = syscall(SYS_pwrite64, fd, data, len, at);
    if (done > 0) record('W', inode, at, data, done);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at) {
    return pwrite64(fd, data, len, at);
}

int ftruncate64(int fd, off64_t len) {
    uint64_t inode = ours(fd);
    if (!inode) return syscall(SYS_ftruncate, fd, len);
    pthread_mutex_lock(&lock);
    int done = syscall(SYS_ftruncate, fd, len);
    if (!done) record('T', inode, len, NULL, 0);
    pthread_mutex_unlock(&lock);
    return done;
}

int ftruncate(int fd, off_t len) { return ftruncate64(fd, len); }

int fsync(int fd) {
    uint64_t inode = ours(fd);
    if (!inode) return syscall(SYS_fsync, fd);
    pthread_mutex_lock(&lock);
    record('S', inode, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return 0;
}

int fdatasync(int fd) { return fsync(fd); }

int rename(const char *from, const char *to) {
    const char *a = below(from), *b = below(to);
    if (!a || !b) return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    pthread_mutex_lock(&lock);
    int done = syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (!done) {
        char both[8192];
        size_t len = strlen(a) + 1 + strlen(b);
        if (len >= sizeof both) abort();
        memcpy(both, a, strlen(a) + 1);
        memcpy(both + strlen(a) + 1, b, strlen(b));
        record('R', 0, 0, both, len);
    }
    pthread_mutex_unlock(&lock);
    return done;
}

int unlink(const char *path) {
    const char *name = below(path);
    if (!name) return syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    pthread_mutex_lock(&lock);
    int done = syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (!done) record('U', 0, 0, name, strlen(name));
    pthread_mutex_unlock(&lock);
    return done;
}

int mkdir(const char *path, mode_t mode) {
    const char *name = below(path);
    if (!name) return syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    pthread_mutex_lock(&lock);
    int done = syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    struct stat st;
    if (!done && !stat(path, &st)) {
        *slot(st.st_ino) = st.st_ino;
        record('M', st.st_ino, 0, name, strlen(name));
    }
    pthread_mutex_unlock(&lock);
    return done;
}

/* Callers fall back on read and write. */
ssize_t copy_file_range(int a, off64_t *b, int c, off64_t *d, size_t e, unsigned f) {
    (void)a, (void)b, (void)c, (void)d, (void)e, (void)f;
    errno = ENOSYS;
    return -1;
}
