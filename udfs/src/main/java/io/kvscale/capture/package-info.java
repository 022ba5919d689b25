/** K and V in capture files: reads their headers, masks and values. */
@org.jspecify.annotations.NullMarked
package io.kvscale.capture;
