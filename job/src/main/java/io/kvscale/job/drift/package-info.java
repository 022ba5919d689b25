/** Says whether deployed scales still fit newer data, from two statistics. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.drift;
