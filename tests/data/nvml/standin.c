/* A stand-in for libnvidia-ml.so.1: answers as the file named by NVML_STANDIN says, line by line `key=value`.
 *
 *   FUNCTION=CODE          what a function returns, by NVML's documented name; 0 where nothing is said
 *   gpuN.FUNCTION=CODE     the same for one GPU alone
 *   FUNCTION=hang          it does not return while the file says so
 *   FUNCTION=abort         it takes the process down
 *   FUNCTION=print         it writes to standard output first, as no library should
 *   driver cuda count      what the driver says
 *   gpuN.KEY KEY           name uuid capability memory_total memory_free mig pci compute_mode slices, of one GPU or of all
 *   gpuN.sliceM.KEY        name uuid memory_total memory_free, of one of its `slices` (how many MIG instances it has)
 *   slice.KEY              the same for all of them; both take FUNCTION, too
 *   gpuN.KEY KEY           busy celsius celsius_max clock clock_max reasons (a bit mask) ecc
 *   gpuN.compute=PID:BYTES,PID:BYTES,PID     processes, also of an instance; likewise mps graphics; no BYTES: not told
 *   processPID=TEXT        what nvmlSystemGetProcessName says of it; without it there is no such process
 *
 * With -DOLD it lacks the functions that drivers of 2018 lack, with -DOF_535_86 processes are told in the third version
 * as drivers 535.43 to 535.86 do, and with -DWITHOUT_V2 in the third version alone. With -DSLOW_DIRECTORY, preloaded, it
 * makes everybody wait who asks for the name of a user.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct { unsigned long long total, free, used; } memory_t;
typedef struct { unsigned pid; unsigned long long memory; unsigned gpu_instance, compute_instance; } process_t;
typedef struct { process_t process; unsigned long long protected_memory; } process_of_535_86_t;
typedef struct {
    char legacy[16];
    unsigned int domain, bus, device, pci_device, pci_subsystem;
    char bus_id[32];
} pci_t;

enum { SLICES = 7 }; /* indexes for MIG instances on every GPU that has any */

/* A handle is its number plus one. GPU n has the number n, slice m of it has (m + 1) * 1000 + n. */
static int number_of(void *handle) { return (int)(intptr_t)handle - 1; }
static int slice_of(int gpu, int slice) { return (slice + 1) * 1000 + gpu; }

static const char *find(const char *key, char *value, size_t size) {
    const char *path = getenv("NVML_STANDIN");
    FILE *file = path ? fopen(path, "r") : NULL;
    size_t length = strlen(key);
    char line[512];
    const char *found = NULL;
    while (file && !found && fgets(line, sizeof line, file))
        if (strncmp(line, key, length) == 0 && line[length] == '=') {
            line[strcspn(line, "\n")] = 0;
            snprintf(value, size, "%s", line + length + 1);
            found = value;
        }
    if (file) fclose(file);
    return found;
}

static const char *say(int gpu, const char *key, char *value, size_t size) {
    char whole[128];
    if (gpu >= 1000) {
        snprintf(whole, sizeof whole, "gpu%d.slice%d.%s", gpu % 1000, gpu / 1000 - 1, key);
        if (find(whole, value, size)) return value;
        snprintf(whole, sizeof whole, "slice.%s", key);
        return find(whole, value, size);
    }
    snprintf(whole, sizeof whole, "gpu%d.%s", gpu, key);
    if (gpu >= 0 && find(whole, value, size)) return value;
    return find(key, value, size);
}

static int outcome(int gpu, const char *function) {
    char value[512];
    const char *said = say(gpu, function, value, sizeof value);
    while (said && strcmp(said, "hang") == 0) {
        usleep(20000);
        said = say(gpu, function, value, sizeof value);
    }
    if (said && strcmp(said, "abort") == 0) abort();
    if (said && strcmp(said, "print") == 0) {
        puts("NVML: a word to nobody");
        fflush(stdout);
        return 0;
    }
    return said ? atoi(said) : 0;
}

static int text(int gpu, const char *function, const char *key, const char *otherwise, char *out, unsigned size) {
    char value[512];
    int code = outcome(gpu, function);
    const char *said = say(gpu, key, value, sizeof value);
    if (code == 0) snprintf(out, size, "%s", said ? said : otherwise);
    return code;
}

static unsigned long long number(int gpu, const char *key, unsigned long long otherwise) {
    char value[512];
    const char *said = say(gpu, key, value, sizeof value);
    return said ? strtoull(said, NULL, 10) : otherwise;
}

int nvmlInitWithFlags(unsigned flags) { (void)flags; return outcome(-1, "nvmlInit"); }
int nvmlShutdown(void) { return outcome(-1, "nvmlShutdown"); }
const char *nvmlErrorString(int code) { return code == 30 ? "\xff\xfe" : "the stand-in's words"; }

int nvmlSystemGetDriverVersion(char *out, unsigned size) {
    return text(-1, "nvmlSystemGetDriverVersion", "driver", "580.159.04", out, size);
}

int nvmlSystemGetCudaDriverVersion(int *out) {
    *out = (int)number(-1, "cuda", 13000);
    return outcome(-1, "nvmlSystemGetCudaDriverVersion");
}

/* NVML does not heed this variable; one that did would show whether detect lets it through. */
int nvmlDeviceGetCount_v2(unsigned *out) {
    *out = getenv("CUDA_VISIBLE_DEVICES") ? 0 : (unsigned)number(-1, "count", 1);
    return outcome(-1, "nvmlDeviceGetCount");
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **out) {
    *out = (void *)(intptr_t)(index + 1);
    return outcome((int)index, "nvmlDeviceGetHandleByIndex");
}

int nvmlDeviceGetName(void *gpu, char *out, unsigned size) {
    return text(number_of(gpu), "nvmlDeviceGetName", "name", "NVIDIA H100 80GB HBM3", out, size);
}

int nvmlDeviceGetUUID(void *gpu, char *out, unsigned size) {
    char otherwise[64];
    snprintf(otherwise, sizeof otherwise, "GPU-00000000-0000-0000-0000-%012d", number_of(gpu) + 1);
    return text(number_of(gpu), "nvmlDeviceGetUUID", "uuid", otherwise, out, size);
}

int nvmlDeviceGetCudaComputeCapability(void *gpu, int *major, int *minor) {
    char value[512];
    const char *said = say(number_of(gpu), "capability", value, sizeof value);
    sscanf(said ? said : "9.0", "%d.%d", major, minor);
    return outcome(number_of(gpu), "nvmlDeviceGetCudaComputeCapability");
}

int nvmlDeviceGetMemoryInfo(void *gpu, memory_t *out) {
    out->total = number(number_of(gpu), "memory_total", 85520809984ULL);
    out->free = number(number_of(gpu), "memory_free", 85017493504ULL);
    out->used = out->total - out->free;
    return outcome(number_of(gpu), "nvmlDeviceGetMemoryInfo");
}

int nvmlDeviceGetPciInfo_v3(void *gpu, pci_t *out) {
    memset(out, 0, sizeof *out);
    return text(number_of(gpu), "nvmlDeviceGetPciInfo", "pci", "00000000:00:06.0", out->bus_id, sizeof out->bus_id);
}

int nvmlDeviceGetComputeMode(void *gpu, unsigned *out) {
    *out = (unsigned)number(number_of(gpu), "compute_mode", 0);
    return outcome(number_of(gpu), "nvmlDeviceGetComputeMode");
}

int nvmlDeviceGetUtilizationRates(void *gpu, unsigned out[2]) {
    out[0] = (unsigned)number(number_of(gpu), "busy", 0);
    out[1] = 0;
    return outcome(number_of(gpu), "nvmlDeviceGetUtilizationRates");
}

int nvmlDeviceGetTemperature(void *gpu, unsigned sensor, unsigned *out) {
    (void)sensor;
    *out = (unsigned)number(number_of(gpu), "celsius", 30);
    return outcome(number_of(gpu), "nvmlDeviceGetTemperature");
}

int nvmlDeviceGetTemperatureThreshold(void *gpu, unsigned kind, unsigned *out) {
    if (kind != 3) return 2; /* NVML_TEMPERATURE_THRESHOLD_GPU_MAX alone */
    *out = (unsigned)number(number_of(gpu), "celsius_max", 87);
    return outcome(number_of(gpu), "nvmlDeviceGetTemperatureThreshold");
}

int nvmlDeviceGetClockInfo(void *gpu, unsigned kind, unsigned *out) {
    *out = kind == 1 ? (unsigned)number(number_of(gpu), "clock", 345) : 2619; /* NVML_CLOCK_SM, or the memory's */
    return outcome(number_of(gpu), "nvmlDeviceGetClockInfo");
}

int nvmlDeviceGetMaxClockInfo(void *gpu, unsigned kind, unsigned *out) {
    *out = kind == 1 ? (unsigned)number(number_of(gpu), "clock_max", 1980) : 2619;
    return outcome(number_of(gpu), "nvmlDeviceGetMaxClockInfo");
}

int nvmlDeviceGetCurrentClocksThrottleReasons(void *gpu, unsigned long long *out) {
    *out = number(number_of(gpu), "reasons", 1);
    return outcome(number_of(gpu), "nvmlDeviceGetCurrentClocksThrottleReasons");
}

int nvmlDeviceGetTotalEccErrors(void *gpu, unsigned kind, unsigned counter, unsigned long long *out) {
    *out = kind == 1 && counter == 0 ? number(number_of(gpu), "ecc", 0) : 7; /* uncorrected, volatile */
    return outcome(number_of(gpu), "nvmlDeviceGetTotalEccErrors");
}

int nvmlSystemGetProcessName(unsigned pid, char *out, unsigned size) {
    char key[32], value[512];
    snprintf(key, sizeof key, "process%u", pid);
    if (!find(key, value, sizeof value)) return 6; /* NVML_ERROR_NOT_FOUND */
    snprintf(out, size, "%s", value);
    return outcome(-1, "nvmlSystemGetProcessName");
}

static process_t process_of(const char *said) {
    char *rest;
    process_t process = {(unsigned)strtoul(said, &rest, 10), ~0ULL, ~0U, ~0U}; /* NVML_VALUE_NOT_AVAILABLE */
    if (*rest == ':') process.memory = strtoull(rest + 1, NULL, 10);
    return process;
}

/* As NVML does it: where there is no room for all, nothing but their number is told. */
static int processes(void *gpu, const char *function, const char *key, unsigned *count, void *out, size_t size) {
    char value[512];
    const char *said = say(number_of(gpu), key, value, sizeof value);
    unsigned room = *count;
    int code = outcome(number_of(gpu), function);
    if (code != 0) return code;
    *count = 0;
    for (; said && *said; said += strcspn(said, ","), said += *said == ',') {
        process_of_535_86_t process = {process_of(said), 0};
        if (*count < room) memcpy((char *)out + *count * size, &process, size);
        ++*count;
    }
    return *count > room ? 7 : 0; /* NVML_ERROR_INSUFFICIENT_SIZE */
}

#define PROCESSES(KIND, VERSION, KEY, TYPE) \
    int nvmlDeviceGet##KIND##RunningProcesses##VERSION(void *gpu, unsigned *count, void *out) { \
        return processes(gpu, "nvmlDeviceGet" #KIND "RunningProcesses", KEY, count, out, sizeof(TYPE)); \
    }
#if !defined OLD && !defined WITHOUT_V2
PROCESSES(Compute, _v2, "compute", process_t)
PROCESSES(MPSCompute, _v2, "mps", process_t)
PROCESSES(Graphics, _v2, "graphics", process_t)
#endif
#ifdef OF_535_86
typedef process_of_535_86_t process_v3_t;
#else
typedef process_t process_v3_t;
#endif
#ifndef OLD
PROCESSES(Compute, _v3, "compute", process_v3_t)
PROCESSES(MPSCompute, _v3, "mps", process_v3_t)
PROCESSES(Graphics, _v3, "graphics", process_v3_t)
#endif

#ifndef OLD
int nvmlDeviceGetCurrentClocksEventReasons(void *gpu, unsigned long long *out) {
    *out = number(number_of(gpu), "reasons", 1);
    return outcome(number_of(gpu), "nvmlDeviceGetCurrentClocksEventReasons");
}

int nvmlSystemGetCudaDriverVersion_v2(int *out) {
    *out = (int)number(-1, "cuda", 13000);
    return outcome(-1, "nvmlSystemGetCudaDriverVersion_v2");
}

int nvmlDeviceGetMigMode(void *gpu, unsigned *current, unsigned *pending) {
    *current = *pending = (unsigned)number(number_of(gpu), "mig", 0);
    return outcome(number_of(gpu), "nvmlDeviceGetMigMode");
}

int nvmlDeviceGetMaxMigDeviceCount(void *gpu, unsigned *out) {
    *out = SLICES;
    return outcome(number_of(gpu), "nvmlDeviceGetMaxMigDeviceCount");
}

int nvmlDeviceGetMigDeviceHandleByIndex(void *gpu, unsigned index, void **out) {
    int slice = slice_of(number_of(gpu), (int)index);
    int code = outcome(slice, "nvmlDeviceGetMigDeviceHandleByIndex");
    *out = (void *)(intptr_t)(slice + 1);
    if (code != 0) return code;
    return index < number(number_of(gpu), "slices", 0) ? 0 : 6; /* NVML_ERROR_NOT_FOUND */
}
#endif

#ifdef SLOW_DIRECTORY
int getpwuid_r(unsigned uid, void *entry, char *buffer, size_t size, void **result) {
    (void)uid, (void)entry, (void)buffer, (void)size, (void)result;
    for (;;) pause();
}
#endif
