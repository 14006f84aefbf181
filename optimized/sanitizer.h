// OPTIMIZED_ASAN is defined where AddressSanitizer watches, with GCC and with Clang.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define OPTIMIZED_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OPTIMIZED_ASAN 1
#endif
#endif
