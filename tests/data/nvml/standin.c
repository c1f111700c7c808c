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
 *
 * With -DOLD it lacks the functions that drivers of 2018 lack.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct { unsigned long long total, free, used; } memory_t;
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

#ifndef OLD
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
