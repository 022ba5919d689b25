/**
 * Kernels for minimum and maximum, with and without the Vector API.
 *
 * <p>What the vector kernel costs: five instructions for each vector (the order key takes a shift, a mask and an exclusive
 * or), and the load. One core of a Zen 5 folds values in the second-level cache at these rates, in GB/s:
 *
 * <pre>
 *                    JDK 17   JDK 25
 * 512 bits               88      118
 * 256 bits (AVX2)        50       77
 * </pre>
 *
 * <p>The loads make the difference between the JDKs. On JDK 17 a load from a buffer takes 13 more instructions, because the
 * JIT reads and checks the fields of the buffer each time. A row of four 256-bit vectors then takes 92 instructions, on Zen 2 25
 * cycles by llvm-mca. From an array it takes 44 instructions and 11 cycles, and the copy about 4. So {@code
 * VectorLoads} copies, except with 512 bits, where there are half as many loads. From JDK 19 on it copies values of heap
 * buffers into direct memory: a JVM that loads from both kinds folds at a third to two thirds of the rate.
 *
 * <p>What did not help: signed and unsigned maxima of the bits instead of order keys (one instruction less, but a third
 * accumulator, which 16 registers cannot hold); two vectors of two rows instead of four of one; accumulators in memory.
 *
 * <p>Values that are not at a multiple of the vector's size in memory, as in most files, cost a fifth with 512 bits. Folding
 * from the first aligned value on, with rotated columns, saved 2 % of a task on JDK 17 and cost up to 5 % on JDK 25.
 */
@org.jspecify.annotations.NullMarked
package io.kvscale.observer.kernel;
