// What happened: work in the order in which it ran, and what it did to memory since Java looked last.
#include "state.h"
#include <stdlib.h>
#include <string.h>

static Record *records;
static size_t recordCount, recordCapacity;

static int64_t *events;
static size_t eventCount, eventCapacity;

void record_work(int kind, const char *name, const long *numbers, size_t count) {
    if (recordCount == recordCapacity) {
        recordCapacity = recordCapacity == 0 ? 1024 : 2 * recordCapacity;
        records = realloc(records, recordCapacity * sizeof *records);
    }
    Record *record = &records[recordCount++];
    memset(record, 0, sizeof *record);
    record->kind = kind;
    strncpy(record->name, name, sizeof record->name - 1);
    memcpy(record->numbers, numbers, count * sizeof *numbers);
}

const Record *record_list(size_t *count) {
    *count = recordCount;
    return records;
}

void record_clear(void) {
    recordCount = 0;
}

void record_memory(MemoryEvent event, uint64_t a, uint64_t b, uint64_t c) {
    if (standin_settings.dry) return;
    if (event == EVENT_WRITTEN && eventCount > 0) {
        // Writes of the same bytes again and again, as between two launches of a graph, are one.
        int64_t *last = &events[4 * (eventCount - 1)];
        if (last[0] == EVENT_WRITTEN && last[1] == (int64_t) a && last[2] == (int64_t) b) return;
    }
    if (eventCount == eventCapacity) {
        eventCapacity = eventCapacity == 0 ? 1024 : 2 * eventCapacity;
        events = realloc(events, 4 * eventCapacity * sizeof *events);
    }
    int64_t row[4] = {event, (int64_t) a, (int64_t) b, (int64_t) c};
    memcpy(&events[4 * eventCount++], row, sizeof row);
}

size_t record_memory_drain(int64_t *numbers) {
    size_t count = 4 * eventCount;
    if (numbers != NULL) {
        memcpy(numbers, events, count * sizeof *events);
        eventCount = 0;
    }
    return count;
}

void record_memory_clear(void) {
    eventCount = 0;
}
