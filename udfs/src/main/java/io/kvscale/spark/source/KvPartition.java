package io.kvscale.spark.source;

import io.kvscale.input.Split;
import org.apache.spark.sql.connector.read.InputPartition;

/** The part of the captures that one task reads. */
record KvPartition(Split split) implements InputPartition {}
