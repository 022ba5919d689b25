/** Which scheme to take: what every format costs every slot, and the cheapest that keep a budget. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.advice;
