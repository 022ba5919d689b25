/**
 * Quantization kernels, with the Vector API and scalar. {@link io.kvscale.quant.kernel.QuantKernels} chooses one.
 *
 * <p>What they cost for BF16 values with F32 steps, in GB/s of values, on one core of a Zen 5 with JDK 17:
 *
 * <pre>
 *                     fp8: to codes, back    int8: to codes, back
 * 512 bits                     17, 20                 15, 30
 * 256 bits (AVX2)               8, 11                 10, 16
 * 128 bits                      4,  6                  5,  8
 * </pre>
 *
 * <p>e4m3 with one scale for all columns, as for the strategies {@code tensor} and {@code attn_head}, has loops of its own, which
 * give codes and values at once. GB/s of values for both, before (the two ways above, one after the other) and with these loops,
 * on a busy machine:
 *
 * <pre>
 *                     JDK 17: before, now    JDK 25: before, now
 * 512 bits                    9.6, 20                9.4, 20
 * 256 bits (AVX2)             4.8, 10                4.6,  8
 * </pre>
 *
 * <p>What helped there: parameters that are broadcast instead of loaded (12 GB/s with arrays of scales and 512 bits), signs and
 * exponents in 16-bit lanes, values from the rounded sums instead of the codes, no division, and rounding of values with one
 * addition. About 40 operations on a vector are left for its values, of which AVX2 does three in a cycle.
 *
 * <p>Division bounds the other way to codes: 8 quotients take 5 or 6 cycles. A reciprocal would give other codes. The number of
 * operations in a loop bounds the rest: the JIT inlines about 25 of them, and allocates the vectors of a larger loop on the
 * heap, at a third of the speed. So loops stay small, although each one passes over the cache.
 *
 * <p>What did not help: all of fp8's encoding, or decoding, in one loop; dividing and encoding one half of each pair in one
 * loop.
 */
@org.jspecify.annotations.NullMarked
package io.kvscale.quant.kernel;
