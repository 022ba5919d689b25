/** How to quantize ({@code kv_cache_scheme}) and the resulting table of scales. */
@org.jspecify.annotations.NullMarked
package io.kvscale.scheme;
