// The lock, the count of calls, ordered failures, and the objects behind handles.
#define _GNU_SOURCE
#include "standin.h"
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "state.h"

// Recursive: a launch calls Java, which asks for what was written since.
static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

Settings standin_settings;
static Counter *counters;
static char lastMessage[4096];

void standin_lock(void) {
    pthread_mutex_lock(&lock);
}

void standin_unlock(void) {
    pthread_mutex_unlock(&lock);
}

Call standin_enter(Counter *counter) {
    standin_lock();
    if (!counter->known) {
        Counter *existing = counters;
        while (existing != NULL && strcmp(existing->name, counter->name) != 0) existing = existing->next;
        // A failure that was ordered before the first call waits in a counter of its own.
        if (existing != NULL) {
            counter->failIn = existing->failIn;
            counter->failWith = existing->failWith;
            existing->name = "";
        }
        counter->known = true;
        counter->next = counters;
        counters = counter;
    }
    counter->calls++;
    Call call = {0, true};
    if (counter->failIn > 0 && --counter->failIn == 0) {
        call.failure = standin_refuse(counter->failWith, "%s: failure %d, which a test ordered", counter->name, counter->failWith);
    }
    return call;
}

void standin_leave(Call *call) {
    if (call->locked) standin_unlock();
}

void state_order_failure(const char *name, long in, int code) {
    Counter *counter = counters;
    while (counter != NULL && strcmp(counter->name, name) != 0) counter = counter->next;
    if (counter == NULL) {
        counter = calloc(1, sizeof *counter);
        counter->name = strdup(name);
        counter->next = counters;
        counters = counter;
    }
    counter->failIn = in;
    counter->failWith = code;
}

const Counter *state_counters(void) {
    return counters;
}

void state_clear_counters(void) {
    for (Counter *counter = counters; counter != NULL; counter = counter->next) {
        counter->calls = 0;
        counter->failIn = 0;
    }
}

int standin_refuse(int code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(lastMessage, sizeof lastMessage, format, arguments);
    va_end(arguments);
    return code;
}

const char *state_last_message(void) {
    return lastMessage;
}

void state_clear_message(void) {
    lastMessage[0] = 0;
}

int standin_unsupported(Counter *counter, int code) {
    Call call __attribute__((cleanup(standin_leave))) = standin_enter(counter);
    if (call.failure != 0) return call.failure;
    return standin_refuse(code, "%s is not part of the stand-in", counter->name);
}

// ---- Objects

// Not canonical on x86-64: whoever follows one crashes where he does it.
#define FIRST_HANDLE 0x5EED000000000000ULL
#define HANDLE_STEP 16

static Object **objects;
static size_t objectCount, objectCapacity;

void *object_create(size_t size, Kind kind, Context *context) {
    if (objectCount == objectCapacity) {
        objectCapacity = objectCapacity == 0 ? 1024 : 2 * objectCapacity;
        objects = realloc(objects, objectCapacity * sizeof *objects);
    }
    Object *object = calloc(1, size);
    object->kind = kind;
    object->context = context;
    object->handle = FIRST_HANDLE + HANDLE_STEP * ++objectCount;
    objects[objectCount - 1] = object;
    return object;
}

void *object_get(const void *handle, Kind kind) {
    uint64_t offset = (uint64_t) (uintptr_t) handle - FIRST_HANDLE;
    if (offset % HANDLE_STEP != 0 || offset == 0 || offset / HANDLE_STEP > objectCount) return NULL;
    Object *object = objects[offset / HANDLE_STEP - 1];
    return object != NULL && object->kind == kind ? object : NULL;
}

void object_destroy(void *pointer) {
    Object *object = pointer;
    bridge_destroyed(object->kind, object->handle);
    objects[(object->handle - FIRST_HANDLE) / HANDLE_STEP - 1] = NULL;
    free(object);
}

void *object_next(Kind kind, size_t *cursor) {
    while (*cursor < objectCount) {
        Object *object = objects[(*cursor)++];
        if (object != NULL && object->kind == kind) return object;
    }
    return NULL;
}

void object_announce(const void *pointer) {
    const Object *object = pointer;
    bridge_created(object->kind, object->handle, 0);
}
