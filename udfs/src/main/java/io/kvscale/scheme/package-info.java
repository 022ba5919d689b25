/** What to quantize and how: the {@code kv_cache_scheme} as {@link QuantizationScheme}, parsed by {@link KvCacheScheme}. */
@org.jspecify.annotations.NullMarked
package io.kvscale.scheme;
