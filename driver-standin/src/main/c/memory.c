// Device memory: pages of a reserved range of addresses. An address is never handed out twice, so that whoever uses
// memory that was given back is found out. New memory is full of NaNs, and what was given back cannot be read by the host either.
#define _GNU_SOURCE
#include "state.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096UL
#define GAP (64 * 1024UL)
#define GRAIN 512UL
// What Java can map as one buffer.
#define MAX_COMPUTED 2147483583UL
#define WIDEST_RANGE (1UL << 44)
#define NARROWEST_RANGE (1UL << 36)

static uint64_t rangeStart, rangeEnd, nextAddress;
static Allocation **allocations; // by address
static size_t allocationCount, allocationCapacity;
static size_t usedBytes;

typedef struct {
    uint64_t base;
    size_t size;
    bool registered;
    Context *context;
} Pinned;

static Pinned *pinned;
static size_t pinnedCount, pinnedCapacity;

static size_t round_up(size_t bytes, size_t to) {
    return (bytes + to - 1) / to * to;
}

static void reserve_range(void) {
    for (size_t size = WIDEST_RANGE; size >= NARROWEST_RANGE && rangeStart == 0; size /= 2) {
        void *start = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (start != MAP_FAILED) {
            rangeStart = nextAddress = (uint64_t) (uintptr_t) start;
            rangeEnd = rangeStart + size;
        }
    }
}

Allocation *memory_find(CUdeviceptr address) {
    size_t low = 0, high = allocationCount;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (allocations[middle]->base <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == 0 ? NULL : allocations[low - 1];
}

static Allocation *holder(CUdeviceptr address, size_t bytes) {
    Allocation *allocation = memory_find(address);
    bool inside = allocation != NULL && address - allocation->base <= allocation->size &&
                  bytes <= allocation->size - (address - allocation->base);
    return inside ? allocation : NULL;
}

static CUresult stray(CUresult code, const char *what, CUdeviceptr address, size_t bytes) {
    Allocation *near = memory_find(address);
    if (near == NULL) {
        return standin_refuse(code, "%s: %zu bytes at 0x%lx lie in no device memory", what, bytes, address);
    }
    static const char *states[] = {"not yet allocated", "live", "freed"};
    return standin_refuse(code, "%s: %zu bytes at 0x%lx, which is byte %ld of the %s %zu bytes at 0x%lx", what, bytes, address,
                          (long) (address - near->base), near->freeing ? "freed" : states[near->state], near->size, near->base);
}

CUresult memory_check_call(const char *what, CUdeviceptr address, size_t bytes) {
    Allocation *allocation = holder(address, bytes);
    if (allocation == NULL || allocation->state == MEMORY_FREED || allocation->freeing) return stray(CUDA_ERROR_INVALID_VALUE, what, address, bytes);
    return CUDA_SUCCESS;
}

CUresult memory_check_run(const char *what, CUdeviceptr address, size_t bytes) {
    Allocation *allocation = holder(address, bytes);
    if (allocation == NULL || allocation->state != MEMORY_LIVE) {
        return stray(CUDA_ERROR_ILLEGAL_ADDRESS, what, address, bytes);
    }
    return CUDA_SUCCESS;
}

CUresult memory_check_write(const char *what, CUdeviceptr address, size_t bytes) {
    TRY(memory_check_run(what, address, bytes));
    record_memory(EVENT_WRITTEN, address, bytes, 0);
    return CUDA_SUCCESS;
}

static size_t region_bytes(Region region) {
    return region.rows == 0 ? 0 : (region.rows - 1) * region.distance + region.rowBytes;
}

CUresult memory_check_read(const char *what, Region region) {
    TRY(memory_check_run(what, region.start, region_bytes(region)));
    return standin_settings.checked ? bridge_require_written(what, region) : CUDA_SUCCESS;
}

CUresult memory_check_write_rows(const char *what, Region region) {
    TRY(memory_check_run(what, region.start, region_bytes(region)));
    if (region.rowBytes == region.distance) {
        record_memory(EVENT_WRITTEN, region.start, region_bytes(region), 0);
    } else {
        for (size_t i = 0; i < region.rows; i++) record_memory(EVENT_WRITTEN, region.start + i * region.distance, region.rowBytes, 0);
    }
    return CUDA_SUCCESS;
}

static void insert(Allocation *allocation) {
    if (allocationCount == allocationCapacity) {
        allocationCapacity = allocationCapacity == 0 ? 1024 : 2 * allocationCapacity;
        allocations = realloc(allocations, allocationCapacity * sizeof *allocations);
    }
    size_t at = allocationCount++;
    for (; at > 0 && allocations[at - 1]->base > allocation->base; at--) allocations[at] = allocations[at - 1];
    allocations[at] = allocation;
}

static bool fits(size_t bytes) {
    return bytes <= standin_settings.memoryBytes && usedBytes <= standin_settings.memoryBytes - bytes;
}

Allocation *memory_reserve(Context *context, size_t bytes, uint64_t pool) {
    reserve_range();
    size_t charged = round_up(bytes, GRAIN);
    // A pool waits for work that will give memory back before it says that there is none.
    if (!fits(charged) && pool != 0) context_drain(context);
    bool computable = standin_settings.dry || bytes <= MAX_COMPUTED;
    if (!fits(charged) || !computable || round_up(bytes, PAGE) + GAP > rangeEnd - nextAddress) {
        standin_refuse(CUDA_ERROR_OUT_OF_MEMORY, "%zu bytes of device memory: %zu of %zu are in use%s", bytes, usedBytes,
                       standin_settings.memoryBytes, computable ? "" : "; one allocation can hold 2^31 - 65 at most unless dry");
        return NULL;
    }
    Allocation *allocation = calloc(1, sizeof *allocation);
    allocation->base = nextAddress;
    allocation->size = bytes;
    allocation->reservedBytes = charged;
    allocation->context = context;
    allocation->pool = pool;
    nextAddress += round_up(bytes, PAGE) + GAP;
    usedBytes += charged;
    insert(allocation);
    return allocation;
}

CUresult memory_commit(Allocation *allocation) {
    if (allocation->state == MEMORY_LIVE) {
        return standin_refuse(CUDA_ERROR_INVALID_VALUE, "memory of a graph at 0x%lx is still allocated", allocation->base);
    }
    if (allocation->state == MEMORY_FREED) usedBytes += allocation->reservedBytes;
    if (!standin_settings.dry) {
        void *start = memory_host(allocation->base);
        if (mprotect(start, round_up(allocation->size, PAGE), PROT_READ | PROT_WRITE) != 0) {
            return standin_refuse(CUDA_ERROR_OUT_OF_MEMORY, "this machine has no %zu bytes left", allocation->size);
        }
        memset(start, 0xff, allocation->size);
    }
    allocation->state = MEMORY_LIVE;
    record_memory(EVENT_MAP, allocation->base, allocation->size, 0);
    return CUDA_SUCCESS;
}

void memory_release(Allocation *allocation) {
    if (allocation->state == MEMORY_FREED) return;
    bool mapped = allocation->state != MEMORY_RESERVED;
    allocation->state = MEMORY_FREED;
    usedBytes -= allocation->reservedBytes;
    if (mapped && !allocation->variable) {
        record_memory(EVENT_FREE, allocation->base, 0, 0);
        if (!standin_settings.dry) {
            mmap(memory_host(allocation->base), round_up(allocation->size, PAGE), PROT_NONE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
        }
    }
    bridge_destroyed(KIND_MEMORY, allocation->base);
}

CUresult memory_add_variable(Context *context, CUdeviceptr address, size_t bytes) {
    Allocation *known = memory_find(address);
    if (known != NULL && known->base == address && known->state == MEMORY_LIVE) return CUDA_SUCCESS;
    Allocation *allocation = calloc(1, sizeof *allocation);
    *allocation = (Allocation) {.base = address, .size = bytes, .state = MEMORY_LIVE, .context = context, .variable = true};
    insert(allocation);
    return CUDA_SUCCESS;
}

void memory_remove_variable(CUdeviceptr address) {
    Allocation *allocation = memory_find(address);
    if (allocation != NULL && allocation->base == address) allocation->state = MEMORY_FREED;
}

void memory_forget_context(Context *context) {
    for (size_t i = 0; i < allocationCount; i++) {
        if (allocations[i]->context == context) memory_release(allocations[i]);
    }
}

void memory_reset(void) {
    for (size_t i = 0; i < allocationCount; i++) memory_release(allocations[i]);
    for (size_t i = 0; i < pinnedCount; i++) {
        if (!pinned[i].registered) free(memory_host(pinned[i].base));
        bridge_destroyed(KIND_HOST_MEMORY, pinned[i].base);
    }
    pinnedCount = 0;
    usedBytes = 0;
}

// ---- The calls

static Allocation *base_of_live(CUdeviceptr address) {
    Allocation *allocation = memory_find(address);
    bool live = allocation != NULL && allocation->base == address && allocation->state != MEMORY_FREED && !allocation->freeing &&
                !allocation->variable;
    return live ? allocation : NULL;
}

CUresult cuMemAlloc_v2(CUdeviceptr *result, size_t bytes) {
    API("cuMemAlloc");
    REQUIRE_CONTEXT(context);
    if (result == NULL || bytes == 0) return standin_refuse(CUDA_ERROR_INVALID_VALUE, "cuMemAlloc of %zu bytes", bytes);
    TRY(capture_forbids("cuMemAlloc"));
    Allocation *allocation = memory_reserve(context, bytes, 0);
    if (allocation == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    TRY(memory_commit(allocation));
    *result = allocation->base;
    bridge_created(KIND_MEMORY, allocation->base, bytes);
    return CUDA_SUCCESS;
}

CUresult cuMemFree_v2(CUdeviceptr address) {
    API("cuMemFree");
    REQUIRE_CONTEXT(context);
    if (address == 0) return CUDA_SUCCESS;
    TRY(capture_forbids("cuMemFree"));
    if (base_of_live(address) == NULL) return stray(CUDA_ERROR_INVALID_VALUE, "cuMemFree", address, 0);
    TRY(context_drain(context));
    memory_release(memory_find(address));
    return CUDA_SUCCESS;
}

CUresult cuMemGetInfo_v2(size_t *freeBytes, size_t *total) {
    API("cuMemGetInfo");
    REQUIRE_CONTEXT(context);
    if (freeBytes == NULL || total == NULL) return CUDA_ERROR_INVALID_VALUE;
    *total = standin_settings.memoryBytes;
    *freeBytes = *total - usedBytes;
    return CUDA_SUCCESS;
}

CUresult cuMemGetAddressRange_v2(CUdeviceptr *base, size_t *size, CUdeviceptr address) {
    API("cuMemGetAddressRange");
    REQUIRE_CONTEXT(context);
    TRY(memory_check_call("cuMemGetAddressRange", address, 1));
    Allocation *allocation = memory_find(address);
    if (base != NULL) *base = allocation->base;
    if (size != NULL) *size = allocation->size;
    return CUDA_SUCCESS;
}

// ---- Stream-ordered memory

typedef struct {
    Allocation *allocation;
} Ordered;

static CUresult run_alloc(Op *op) {
    return memory_commit(((Ordered *) op->payload)->allocation);
}

static CUresult run_free(Op *op) {
    Allocation *allocation = ((Ordered *) op->payload)->allocation;
    if (allocation->state != MEMORY_LIVE) {
        return stray(CUDA_ERROR_ILLEGAL_ADDRESS, "cuMemFreeAsync", allocation->base, 0);
    }
    memory_release(allocation);
    return CUDA_SUCCESS;
}

static Op *ordered(int type, const char *label, Context *context, Allocation *allocation, OpRun run) {
    Op *op = op_create(type, label, context, sizeof(Ordered), run, NULL);
    ((Ordered *) op->payload)->allocation = allocation;
    return op;
}

static CUresult alloc_async(CUdeviceptr *result, size_t bytes, uint64_t pool, CUstream handle) {
    REQUIRE_CONTEXT(context);
    if (result == NULL || bytes == 0) return standin_refuse(CUDA_ERROR_INVALID_VALUE, "allocation of %zu bytes", bytes);
    Stream *stream;
    TRY(stream_resolve(context, handle, &stream));
    Allocation *allocation = memory_reserve(context, bytes, pool);
    if (allocation == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    allocation->inGraph = stream->capture != NULL;
    CUresult status = stream_submit(stream, ordered(NODE_MEM_ALLOC, "alloc", context, allocation, run_alloc));
    if (status != CUDA_SUCCESS) {
        memory_release(allocation);
        return status;
    }
    *result = allocation->base;
    bridge_created(KIND_MEMORY, allocation->base, bytes);
    return CUDA_SUCCESS;
}

// The pool of the device, which needs no handle.
#define DEFAULT_POOL 1

CUresult cuMemAllocAsync(CUdeviceptr *result, size_t bytes, CUstream stream) {
    API("cuMemAllocAsync");
    return alloc_async(result, bytes, DEFAULT_POOL, stream);
}

CUresult cuMemAllocFromPoolAsync(CUdeviceptr *result, size_t bytes, CUmemoryPool handle, CUstream stream) {
    API("cuMemAllocFromPoolAsync");
    Object *pool = object_get(handle, KIND_POOL);
    if (pool == NULL) return standin_refuse(CUDA_ERROR_INVALID_HANDLE, "cuMemAllocFromPoolAsync: no such pool");
    return alloc_async(result, bytes, pool->handle, stream);
}

CUresult cuMemFreeAsync(CUdeviceptr address, CUstream handle) {
    API("cuMemFreeAsync");
    REQUIRE_CONTEXT(context);
    Stream *stream;
    TRY(stream_resolve(context, handle, &stream));
    Allocation *allocation = base_of_live(address);
    if (allocation == NULL) return stray(CUDA_ERROR_INVALID_VALUE, "cuMemFreeAsync", address, 0);
    if (stream->capture != NULL && !allocation->inGraph) {
        capture_invalidate(stream->capture);
        return standin_refuse(CUDA_ERROR_INVALID_VALUE, "cuMemFreeAsync: a graph frees only what it allocated");
    }
    TRY(stream_submit(stream, ordered(NODE_MEM_FREE, "free", context, allocation, run_free)));
    allocation->freeing = true;
    return CUDA_SUCCESS;
}

CUresult cuMemPoolCreate(CUmemoryPool *result, const PoolProps *props) {
    API("cuMemPoolCreate");
    REQUIRE_CONTEXT(context);
    if (result == NULL || props == NULL) return CUDA_ERROR_INVALID_VALUE;
    if (props->allocationType != 1 || props->locationType != 1 || props->locationId >= standin_settings.deviceCount) {
        return standin_refuse(CUDA_ERROR_INVALID_VALUE, "cuMemPoolCreate: type %d at location %d %d, expected 1 at 1 and a device",
                              props->allocationType, props->locationType, props->locationId);
    }
    Object *pool = object_create(sizeof *pool, KIND_POOL, context);
    object_announce(pool);
    *result = handle_of(pool);
    return CUDA_SUCCESS;
}

CUresult cuMemPoolTrimTo(CUmemoryPool handle, size_t bytes) {
    API("cuMemPoolTrimTo");
    (void) bytes;
    REQUIRE_CONTEXT(context);
    return object_get(handle, KIND_POOL) == NULL ? standin_refuse(CUDA_ERROR_INVALID_HANDLE, "cuMemPoolTrimTo: no such pool") : 0;
}

CUresult cuMemPoolDestroy(CUmemoryPool handle) {
    API("cuMemPoolDestroy");
    REQUIRE_CONTEXT(context);
    Object *pool = object_get(handle, KIND_POOL);
    if (pool == NULL) return standin_refuse(CUDA_ERROR_INVALID_HANDLE, "cuMemPoolDestroy: no such pool");
    object_destroy(pool);
    return CUDA_SUCCESS;
}

// ---- Pinned memory of the host

static Pinned *pinned_at(uint64_t address, size_t bytes) {
    for (size_t i = 0; i < pinnedCount; i++) {
        uint64_t offset = address - pinned[i].base;
        if (offset < pinned[i].size && bytes <= pinned[i].size - offset) return &pinned[i];
    }
    return NULL;
}

bool host_is_pinned(const void *address, size_t bytes) {
    return pinned_at((uint64_t) (uintptr_t) address, bytes) != NULL;
}

static void pin(Context *context, void *address, size_t bytes, bool registered) {
    if (pinnedCount == pinnedCapacity) {
        pinnedCapacity = pinnedCapacity == 0 ? 64 : 2 * pinnedCapacity;
        pinned = realloc(pinned, pinnedCapacity * sizeof *pinned);
    }
    pinned[pinnedCount++] = (Pinned) {(uint64_t) (uintptr_t) address, bytes, registered, context};
    bridge_created(KIND_HOST_MEMORY, (uint64_t) (uintptr_t) address, bytes);
}

static CUresult unpin(const char *what, void *address, bool registered) {
    Pinned *found = pinned_at((uint64_t) (uintptr_t) address, 1);
    if (found == NULL || found->base != (uint64_t) (uintptr_t) address || found->registered != registered) {
        CUresult code = registered ? CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED : CUDA_ERROR_INVALID_VALUE;
        return standin_refuse(code, "%s: %p is not such memory", what, address);
    }
    bridge_destroyed(KIND_HOST_MEMORY, found->base);
    if (!registered) free(address);
    *found = pinned[--pinnedCount];
    return CUDA_SUCCESS;
}

static CUresult host_alloc(void **result, size_t bytes, const char *what) {
    REQUIRE_CONTEXT(context);
    if (result == NULL || bytes == 0) return standin_refuse(CUDA_ERROR_INVALID_VALUE, "%s of %zu bytes", what, bytes);
    TRY(capture_forbids(what));
    void *address = aligned_alloc(PAGE, round_up(bytes, PAGE));
    if (address == NULL) return standin_refuse(CUDA_ERROR_OUT_OF_MEMORY, "%s of %zu bytes", what, bytes);
    pin(context, address, bytes, false);
    *result = address;
    return CUDA_SUCCESS;
}

CUresult cuMemHostAlloc(void **result, size_t bytes, unsigned flags) {
    API("cuMemHostAlloc");
    if (flags > 7) return standin_refuse(CUDA_ERROR_INVALID_VALUE, "cuMemHostAlloc: flags %u", flags);
    return host_alloc(result, bytes, "cuMemHostAlloc");
}

CUresult cuMemAllocHost_v2(void **result, size_t bytes) {
    API("cuMemAllocHost");
    return host_alloc(result, bytes, "cuMemAllocHost");
}

CUresult cuMemFreeHost(void *address) {
    API("cuMemFreeHost");
    REQUIRE_CONTEXT(context);
    TRY(capture_forbids("cuMemFreeHost"));
    return unpin("cuMemFreeHost", address, false);
}

CUresult cuMemHostRegister_v2(void *address, size_t bytes, unsigned flags) {
    API("cuMemHostRegister");
    REQUIRE_CONTEXT(context);
    if (address == NULL || bytes == 0 || flags > 15) return CUDA_ERROR_INVALID_VALUE;
    TRY(capture_forbids("cuMemHostRegister"));
    if (pinned_at((uint64_t) (uintptr_t) address, 1) != NULL) return CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED;
    pin(context, address, bytes, true);
    return CUDA_SUCCESS;
}

CUresult cuMemHostUnregister(void *address) {
    API("cuMemHostUnregister");
    REQUIRE_CONTEXT(context);
    TRY(capture_forbids("cuMemHostUnregister"));
    return unpin("cuMemHostUnregister", address, true);
}
