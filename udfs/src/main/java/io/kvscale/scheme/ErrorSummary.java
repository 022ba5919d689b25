package io.kvscale.scheme;

/**
 * How wrong a slot's quantized values are, over all values of the corpus: of the f32 numbers that codes stand for, before
 * they are rounded to the type of K and V.
 *
 * @param mse mean of the squared error
 * @param sqnrDb signal to noise in decibels; infinite where nothing is lost
 * @param saturated values beyond the least or the greatest number of the format
 * @param approximate whether values were rounded before they were counted: F32 data
 */
public record ErrorSummary(double mse, double sqnrDb, long saturated, boolean approximate) {}
