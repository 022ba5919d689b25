/** What to quantize and how ({@code kv_cache_scheme}), and the table of scales that results. */
@org.jspecify.annotations.NullMarked
package io.kvscale.scheme;
