#include "base/cpu.h"

#if defined(__x86_64__) || defined(__i386__)

bool cpu_has_aes(void)
{
    return __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul");
}

#elif defined(__linux__) && defined(__aarch64__)

#include <asm/hwcap.h>
#include <sys/auxv.h>

bool cpu_has_aes(void)
{
    const unsigned long both = HWCAP_AES | HWCAP_PMULL;
    return (getauxval(AT_HWCAP) & both) == both;
}

#else /* 32-bit ARM too: the TLS library does not use its instructions */

bool cpu_has_aes(void)
{
    return false;
}

#endif
