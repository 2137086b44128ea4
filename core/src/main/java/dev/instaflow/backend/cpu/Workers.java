package dev.instaflow.backend.cpu;

/**
 * The threads of the Java loops, idle unless a loop is large; oneDNN has its own. Work is cut into parts
 * whose number does not depend on the thread count, so neither do results. One job runs at a time; a
 * thread that finds the others busy does its parts alone. Thread-safe.
 */
final class Workers implements AutoCloseable {
    /** A part of a job; parts may run in any order and at once. */
    interface Part {
        void run(int index);
    }

    private final Thread[] threads;
    private Part job;
    private int next;
    private int parts;
    private int unfinished;
    private Throwable failure;
    private boolean busy;
    private boolean closed;

    /** {@code count} threads in all: the caller's and {@code count - 1} others, started when needed. */
    Workers(int count) {
        threads = new Thread[count - 1];
    }

    /** Threads in all. */
    int count() {
        return threads.length + 1;
    }

    /** Runs all parts and returns when they are done; throws what a part threw. */
    void run(int count, Part part) {
        if (count == 1 || threads.length == 0 || !start(count, part)) {
            for (int i = 0; i < count; i++) {
                part.run(i);
            }
            return;
        }
        work(part);
        finish();
    }

    private synchronized boolean start(int count, Part part) {
        if (busy || closed) {
            return false;
        }
        for (int i = 0; i < threads.length && threads[i] == null; i++) {
            threads[i] = new Thread(this::serve, "instaflow-cpu-" + (i + 1));
            threads[i].setDaemon(true);
            threads[i].start();
        }
        busy = true;
        job = part;
        next = 0;
        parts = count;
        unfinished = count;
        failure = null;
        notifyAll();
        return true;
    }

    private synchronized void finish() {
        boolean interrupted = false;
        while (unfinished > 0) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        busy = false;
        job = null;
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (failure instanceof Error error) {
            throw error;
        }
        if (failure instanceof RuntimeException exception) {
            throw exception;
        }
    }

    private void work(Part part) {
        for (int i = claim(part); i >= 0; i = claim(part)) {
            Throwable thrown = null;
            try {
                part.run(i);
            } catch (RuntimeException | Error e) {
                thrown = e;
            }
            done(thrown);
        }
    }

    private synchronized int claim(Part part) {
        return job == part && next < parts ? next++ : -1;
    }

    private synchronized void done(Throwable thrown) {
        failure = thrown != null ? thrown : failure;
        if (--unfinished == 0) {
            notifyAll();
        }
    }

    private void serve() {
        for (Part part = await(); part != null; part = await()) {
            work(part);
        }
    }

    private synchronized Part await() {
        while (!closed && (job == null || next >= parts)) {
            try {
                wait();
            } catch (InterruptedException e) {
                return null;
            }
        }
        return closed ? null : job;
    }

    @Override
    public synchronized void close() {
        closed = true;
        notifyAll();
    }
}
