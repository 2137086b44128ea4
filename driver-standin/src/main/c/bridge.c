// Between the stand-in and dev.instaflow.standin.NativeBridge, which runs kernels and reads what was recorded.
#include "state.h"
#include <jni.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static JavaVM *vm;
static jclass bridge;
static jmethodID loadModule, unloadModule, describeKernel, variableOf, launchKernel, copyVariable, requireWritten, created, destroyed;
static uint64_t heapStart, heapEnd;

static JNIEnv *environment(void) {
    JNIEnv *env = NULL;
    if (vm != NULL) (*vm)->GetEnv(vm, (void **) &env, JNI_VERSION_1_8);
    return env;
}

/** An exception in a call back is a bug of the stand-in; the driver's caller sees an unknown error. */
static CUresult check_exception(JNIEnv *env) {
    if (!(*env)->ExceptionCheck(env)) return CUDA_SUCCESS;
    (*env)->ExceptionDescribe(env);
    (*env)->ExceptionClear(env);
    return standin_refuse(CUDA_ERROR_UNKNOWN, "the stand-in's Java side failed; see the exception above");
}

static jbyteArray bytes_of(JNIEnv *env, const void *bytes, size_t length) {
    jbyteArray array = (*env)->NewByteArray(env, (jsize) length);
    if (array != NULL) (*env)->SetByteArrayRegion(env, array, 0, (jsize) length, bytes);
    return array;
}

#define REQUIRE_JAVA(env)                                                                                              \
    JNIEnv *env = environment();                                                                                       \
    if (env == NULL) return standin_refuse(CUDA_ERROR_UNKNOWN, "called from a thread that is not Java's")

CUresult bridge_load_module(const char *ptx, size_t length, long *module) {
    REQUIRE_JAVA(env);
    jbyteArray text = bytes_of(env, ptx, length);
    jlong id = (*env)->CallStaticLongMethod(env, bridge, loadModule, text);
    TRY(check_exception(env));
    (*env)->DeleteLocalRef(env, text);
    *module = (long) id;
    return id < 0 ? CUDA_ERROR_INVALID_PTX : CUDA_SUCCESS;
}

void bridge_unload_module(long module) {
    JNIEnv *env = environment();
    if (env == NULL) return;
    (*env)->CallStaticVoidMethod(env, bridge, unloadModule, (jlong) module);
    check_exception(env);
}

CUresult bridge_describe_kernel(long module, const char *name, int *numbers, int capacity, int *count) {
    REQUIRE_JAVA(env);
    jstring text = (*env)->NewStringUTF(env, name);
    jintArray array = (*env)->CallStaticObjectMethod(env, bridge, describeKernel, (jlong) module, text);
    TRY(check_exception(env));
    (*env)->DeleteLocalRef(env, text);
    if (array == NULL) return standin_refuse(CUDA_ERROR_NOT_FOUND, "the module has no kernel '%s'", name);
    *count = (*env)->GetArrayLength(env, array);
    if (*count > capacity) return standin_refuse(CUDA_ERROR_NOT_SUPPORTED, "'%s' has too many parameters", name);
    (*env)->GetIntArrayRegion(env, array, 0, *count, numbers);
    (*env)->DeleteLocalRef(env, array);
    return CUDA_SUCCESS;
}

CUresult bridge_variable(long module, const char *name, CUdeviceptr *address, size_t *bytes) {
    REQUIRE_JAVA(env);
    jstring text = (*env)->NewStringUTF(env, name);
    jlongArray array = (*env)->CallStaticObjectMethod(env, bridge, variableOf, (jlong) module, text);
    TRY(check_exception(env));
    (*env)->DeleteLocalRef(env, text);
    if (array == NULL) return standin_refuse(CUDA_ERROR_NOT_FOUND, "the module has no variable '%s'", name);
    jlong numbers[2];
    (*env)->GetLongArrayRegion(env, array, 0, 2, numbers);
    (*env)->DeleteLocalRef(env, array);
    *address = (CUdeviceptr) numbers[0];
    *bytes = (size_t) numbers[1];
    return CUDA_SUCCESS;
}

CUresult bridge_launch(int kernel, const unsigned *geometry, const unsigned char *parameters, size_t length) {
    REQUIRE_JAVA(env);
    jintArray shape = (*env)->NewIntArray(env, 7);
    if (shape != NULL) (*env)->SetIntArrayRegion(env, shape, 0, 7, (const jint *) geometry);
    jbyteArray block = bytes_of(env, parameters, length);
    jint status = (*env)->CallStaticIntMethod(env, bridge, launchKernel, (jint) kernel, shape, block);
    TRY(check_exception(env));
    (*env)->DeleteLocalRef(env, shape);
    (*env)->DeleteLocalRef(env, block);
    return status;
}

CUresult bridge_copy_variable(CUdeviceptr address, void *host, size_t bytes, bool toDevice) {
    REQUIRE_JAVA(env);
    jobject buffer = (*env)->NewDirectByteBuffer(env, host, (jlong) bytes);
    (*env)->CallStaticVoidMethod(env, bridge, copyVariable, (jlong) address, buffer, (jboolean) toDevice);
    TRY(check_exception(env));
    (*env)->DeleteLocalRef(env, buffer);
    return CUDA_SUCCESS;
}

CUresult bridge_require_written(const char *what, Region region) {
    REQUIRE_JAVA(env);
    jstring text = (*env)->NewStringUTF(env, what);
    jint status = (*env)->CallStaticIntMethod(env, bridge, requireWritten, text, (jlong) region.start, (jlong) region.rowBytes,
                                              (jlong) region.distance, (jlong) region.rows);
    TRY(check_exception(env));
    (*env)->DeleteLocalRef(env, text);
    return status;
}

void bridge_created(Kind kind, uint64_t handle, size_t bytes) {
    JNIEnv *env = environment();
    if (env == NULL) return;
    (*env)->CallStaticVoidMethod(env, bridge, created, (jint) kind, (jlong) handle, (jlong) bytes);
    check_exception(env);
}

void bridge_destroyed(Kind kind, uint64_t handle) {
    JNIEnv *env = environment();
    if (env == NULL) return;
    (*env)->CallStaticVoidMethod(env, bridge, destroyed, (jint) kind, (jlong) handle);
    check_exception(env);
}

bool bridge_in_java_heap(uint64_t address) {
    return address >= heapStart && address < heapEnd;
}

/** The anonymous mappings, without a hole, that an object on the heap lies in. */
static void find_heap(uint64_t object) {
    FILE *maps = fopen("/proc/self/maps", "r");
    if (maps == NULL) return;
    char line[512];
    uint64_t runStart = 0, runEnd = 0;
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long start, end, inode;
        if (sscanf(line, "%lx-%lx %*s %*s %*s %lu", &start, &end, &inode) != 3) continue;
        if (start != runEnd || inode != 0) runStart = start;
        runEnd = inode != 0 ? 0 : end;
        if (object >= runStart && object < runEnd) {
            heapStart = runStart;
            heapEnd = runEnd;
        }
    }
    fclose(maps);
    // With -Xcheck:jni the sample is a copy, outside the heap; so is what malloc gives, which tells.
    void *other = malloc(64);
    if (bridge_in_java_heap((uint64_t) (uintptr_t) other)) heapStart = heapEnd = 0;
    free(other);
}

#define NATIVE(type, name) JNIEXPORT type JNICALL Java_dev_instaflow_standin_NativeBridge_##name

NATIVE(void, attach)(JNIEnv *env, jclass cls, jbyteArray sample) {
    (*env)->GetJavaVM(env, &vm);
    bridge = (*env)->NewGlobalRef(env, cls);
    loadModule = (*env)->GetStaticMethodID(env, cls, "loadModule", "([B)J");
    unloadModule = (*env)->GetStaticMethodID(env, cls, "unloadModule", "(J)V");
    describeKernel = (*env)->GetStaticMethodID(env, cls, "describeKernel", "(JLjava/lang/String;)[I");
    variableOf = (*env)->GetStaticMethodID(env, cls, "variable", "(JLjava/lang/String;)[J");
    launchKernel = (*env)->GetStaticMethodID(env, cls, "launch", "(I[I[B)I");
    copyVariable = (*env)->GetStaticMethodID(env, cls, "copyVariable", "(JLjava/nio/ByteBuffer;Z)V");
    requireWritten = (*env)->GetStaticMethodID(env, cls, "requireWritten", "(Ljava/lang/String;JJJJ)I");
    created = (*env)->GetStaticMethodID(env, cls, "created", "(IJJ)V");
    destroyed = (*env)->GetStaticMethodID(env, cls, "destroyed", "(IJ)V");
    void *address = (*env)->GetPrimitiveArrayCritical(env, sample, NULL);
    uint64_t object = (uint64_t) (uintptr_t) address;
    (*env)->ReleasePrimitiveArrayCritical(env, sample, address, JNI_ABORT);
    find_heap(object);
}

NATIVE(void, configure)(JNIEnv *env, jclass cls, jlongArray array) {
    (void) cls;
    jlong n[10];
    (*env)->GetLongArrayRegion(env, array, 0, 10, n);
    standin_lock();
    standin_settings = (Settings) {.memoryBytes = (size_t) n[0], .deviceCount = (int) n[1], .major = (int) n[2], .minor = (int) n[3],
                                   .processors = (int) n[4], .initResult = (int) n[5], .deferred = n[6] != 0, .dry = n[7] != 0,
                                   .threads = (int) n[8], .checked = n[9] != 0};
    standin_unlock();
}

NATIVE(void, reset)(JNIEnv *env, jclass cls) {
    (void) env;
    (void) cls;
    standin_lock();
    context_reset();
    record_clear();
    record_memory_clear();
    state_clear_counters();
    state_clear_message();
    launch_order_fault(0, 0);
    standin_unlock();
}

NATIVE(void, orderFailure)(JNIEnv *env, jclass cls, jstring name, jlong in, jint code) {
    (void) cls;
    const char *text = (*env)->GetStringUTFChars(env, name, NULL);
    standin_lock();
    state_order_failure(text, in, code);
    standin_unlock();
    (*env)->ReleaseStringUTFChars(env, name, text);
}

NATIVE(void, orderFault)(JNIEnv *env, jclass cls, jlong in, jint code) {
    (void) env;
    (void) cls;
    standin_lock();
    launch_order_fault(in, code);
    standin_unlock();
}

NATIVE(void, explain)(JNIEnv *env, jclass cls, jstring message) {
    (void) cls;
    const char *text = (*env)->GetStringUTFChars(env, message, NULL);
    standin_lock();
    standin_refuse(0, "%s", text);
    standin_unlock();
    (*env)->ReleaseStringUTFChars(env, message, text);
}

NATIVE(jstring, lastMessage)(JNIEnv *env, jclass cls) {
    (void) cls;
    standin_lock();
    jstring message = (*env)->NewStringUTF(env, state_last_message());
    standin_unlock();
    return message;
}

NATIVE(jobjectArray, calls)(JNIEnv *env, jclass cls) {
    (void) cls;
    standin_lock();
    jsize count = 0, i = 0;
    for (const Counter *c = state_counters(); c != NULL; c = c->next) count += c->calls > 0;
    jobjectArray array = (*env)->NewObjectArray(env, count, (*env)->FindClass(env, "java/lang/String"), NULL);
    for (const Counter *c = state_counters(); c != NULL; c = c->next) {
        if (c->calls == 0) continue;
        char line[300];
        snprintf(line, sizeof line, "%s %ld", c->name, c->calls);
        jstring text = (*env)->NewStringUTF(env, line);
        (*env)->SetObjectArrayElement(env, array, i++, text);
        (*env)->DeleteLocalRef(env, text);
    }
    standin_unlock();
    return array;
}

NATIVE(jobjectArray, recordNames)(JNIEnv *env, jclass cls) {
    (void) cls;
    standin_lock();
    size_t count;
    const Record *records = record_list(&count);
    jobjectArray array = (*env)->NewObjectArray(env, (jsize) count, (*env)->FindClass(env, "java/lang/String"), NULL);
    for (size_t i = 0; i < count; i++) {
        jstring text = (*env)->NewStringUTF(env, records[i].name);
        (*env)->SetObjectArrayElement(env, array, (jsize) i, text);
        (*env)->DeleteLocalRef(env, text);
    }
    standin_unlock();
    return array;
}

NATIVE(jlongArray, recordNumbers)(JNIEnv *env, jclass cls) {
    (void) cls;
    standin_lock();
    size_t count;
    const Record *records = record_list(&count);
    jsize width = 1 + RECORD_NUMBERS;
    jlongArray array = (*env)->NewLongArray(env, (jsize) count * width);
    for (size_t i = 0; i < count; i++) {
        jlong row[1 + RECORD_NUMBERS] = {records[i].kind};
        for (int j = 0; j < RECORD_NUMBERS; j++) row[1 + j] = records[i].numbers[j];
        (*env)->SetLongArrayRegion(env, array, (jsize) i * width, width, row);
    }
    standin_unlock();
    return array;
}

NATIVE(void, clearRecords)(JNIEnv *env, jclass cls) {
    (void) env;
    (void) cls;
    standin_lock();
    record_clear();
    state_clear_counters();
    standin_unlock();
}

NATIVE(jlongArray, drainMemory)(JNIEnv *env, jclass cls) {
    (void) cls;
    standin_lock();
    size_t count = record_memory_drain(NULL);
    int64_t *numbers = malloc((count + 1) * sizeof *numbers);
    record_memory_drain(numbers);
    standin_unlock();
    jlongArray array = (*env)->NewLongArray(env, (jsize) count);
    if (array != NULL) (*env)->SetLongArrayRegion(env, array, 0, (jsize) count, (const jlong *) numbers);
    free(numbers);
    return array;
}

NATIVE(jobject, view)(JNIEnv *env, jclass cls, jlong address, jlong bytes) {
    (void) cls;
    return (*env)->NewDirectByteBuffer(env, memory_host((CUdeviceptr) address), bytes);
}
