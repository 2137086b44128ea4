// State that only Java's side of the stand-in asks for.
#ifndef STANDIN_STATE_H
#define STANDIN_STATE_H

#include "standin.h"

void standin_lock(void);
void standin_unlock(void);
void state_order_failure(const char *name, long in, int code);
const Counter *state_counters(void);
void state_clear_counters(void);
const char *state_last_message(void);
void state_clear_message(void);
void context_reset(void);
void captures_reset(void);
/** The so-many-th kernel that runs from now on ends with this code, as if it had done something wrong. */
void launch_order_fault(long in, int code);

typedef struct {
    int kind;
    char name[100];
    long numbers[RECORD_NUMBERS];
} Record;

const Record *record_list(size_t *count);
void record_clear(void);
/** Hands out four numbers an event and forgets them; call with NULL for their count. */
size_t record_memory_drain(int64_t *numbers);
void record_memory_clear(void);

#endif
