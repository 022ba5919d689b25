package io.kvscale.model.onnx.nodes;

import java.util.List;

/**
 * Fake quantization in plain float32 operators, for every number format and strategy. All that differs is data:
 *
 * <pre>
 * t = clamp(x / scale + zero, least, greatest)
 * q = (t + m) - m, where m = max(p * slope, floor) and p is the power of two below |t|
 * out = (q - zero) * scale
 * </pre>
 *
 * <p>With m in the binade where the last bit of a float is one step of the format, the sum rounds half to even. p comes
 * from a rounding of 0.75 |t| to one bit, as Veltkamp splits numbers. The results are those of {@code NumberFormat.round},
 * except that -0 becomes 0.
 */
public final class QuantizerNodes {
    /** Rows of an input with parameters, each with a number for every channel. */
    public static final int SCALE = 0;

    public static final int ZERO = 1;
    public static final int LEAST = 2;
    public static final int GREATEST = 3;
    public static final int SLOPE = 4;
    public static final int FLOOR = 5;
    /** With local scales: by what a group's part of the greatest code is multiplied and divided. */
    public static final int GLOBAL_FACTOR = 6;

    public static final int GLOBAL_DIVISOR = 7;
    public static final int ROWS = 8;

    /** Begins all names that are added to a graph. */
    public static final String PREFIX = "kvscale.";

    private static final int FLOAT = 1;
    private static final int BOOL = 9;
    private static final int GROUP = 16;

    private static final String ONE_ROW_EACH = PREFIX + "rows";
    private static final String PART = PREFIX + "part";
    private static final String SPLITTER = PREFIX + "splitter";
    private static final String GROUPS = PREFIX + "groups";
    private static final String GROUP_ONES = PREFIX + "group_ones";
    private static final String LAST_AXIS = PREFIX + "last_axis";
    private static final String NOTHING = PREFIX + "nothing";
    private static final String INFINITY = PREFIX + "infinity";
    private static final String GREATEST_FP4 = PREFIX + "greatest_fp4";
    private static final String GREATEST_E4M3 = PREFIX + "greatest_e4m3";
    private static final String SLOPE_E4M3 = PREFIX + "slope_e4m3";
    private static final String FLOOR_E4M3 = PREFIX + "floor_e4m3";

    private final GraphParts parts;
    private final int cacheType;
    private final long operators;

    /**
     * Adds the constants that all quantizers share.
     *
     * @param cacheType the element type of the cache: values are rounded to it before and after
     * @param operators the version of the standard operator set, at least 13
     */
    public QuantizerNodes(GraphParts parts, int cacheType, long operators) {
        this.parts = parts;
        this.cacheType = cacheType;
        this.operators = operators;
        parts.weights(ONE_ROW_EACH, 1, 1, 1, 1, 1, 1, 1, 1);
        parts.weight(PART, 0.75f);
        parts.weight(SPLITTER, 6291457f); // 0.75 (2^23 + 1), rounded
        parts.weights(GROUPS, -1, GROUP);
        parts.ones(GROUP_ONES, 1, GROUP);
        parts.weights(LAST_AXIS, -1);
        parts.weight(NOTHING, 0f);
        parts.weight(INFINITY, Float.POSITIVE_INFINITY);
        parts.weight(GREATEST_FP4, 6f);
        parts.weight(GREATEST_E4M3, 448f);
        parts.weight(SLOPE_E4M3, slope(3));
        parts.weight(FLOOR_E4M3, floor(3, -6));
    }

    /** The factor of p for a format with so many bits of mantissa. */
    public static float slope(int mantissaBits) {
        return Math.scalb(1.5f, 23 - mantissaBits);
    }

    /** The least m of a format whose smallest normal number has this exponent. */
    public static float floor(int mantissaBits, int minExponent) {
        return Math.scalb(1.5f, minExponent + 23 - mantissaBits);
    }

    /** The input with the parameters of a slot: float32 {@code [ROWS, channels]}. */
    public static String parameters(String slot) {
        return PREFIX + slot + ".parameters";
    }

    /** The input that says whether a slot is quantized: a boolean scalar. */
    public static String on(String slot) {
        return PREFIX + slot + ".on";
    }

    /** The input that says whether groups of 16 values have local scales: a boolean scalar. */
    public static String local(String slot) {
        return PREFIX + slot + ".local";
    }

    /**
     * Adds the fake quantization of a slot.
     *
     * @param slot its name
     * @param x the values, whose last axis holds the channels of {@code perChannel}
     * @param type the element type of {@code x}
     * @param channels heads x head_dim
     * @param dims the dimensions of {@code x}; those below 0 are free
     * @param perChannel the name of the shape {@code [ROWS, ...]} of parameters that broadcast against {@code x}
     * @param nodes receives the nodes
     * @return the names of the values in the type of the cache, and of the quantized values in {@code type}
     */
    public String[] add(
            String slot, String x, int type, long channels, long[] dims, String perChannel, NodeList nodes) {
        parts.input(parameters(slot), FLOAT, ROWS, channels);
        parts.input(on(slot), BOOL);
        parts.input(local(slot), BOOL);
        String cached = cast(x, type, cacheType, nodes);
        NodeList quantize = new NodeList(PREFIX + slot + ".quantize");
        String quantized = cast(
                cast(
                        quantized(slot, cast(cached, cacheType, FLOAT, quantize), perChannel, quantize),
                        FLOAT,
                        cacheType,
                        quantize),
                cacheType,
                type,
                quantize);
        NodeList keep = new NodeList(PREFIX + slot + ".keep");
        String same = keep.of("Identity", x);
        String out = nodes.add(
                "If",
                List.of(on(slot)),
                Attribute.graph("then_branch", quantize, quantized, type, dims),
                Attribute.graph("else_branch", keep, same, type, dims));
        return new String[] {cached, out};
    }

    private static String cast(String x, int from, int to, NodeList nodes) {
        return from == to ? x : nodes.add("Cast", List.of(x), Attribute.of("to", to));
    }

    private String quantized(String slot, String x, String perChannel, NodeList nodes) {
        String[] row = new String[ROWS];
        for (int i = 0; i < ROWS; i++) {
            row[i] = PREFIX + slot + ".row." + i;
        }
        String shaped = nodes.of("Reshape", parameters(slot), perChannel);
        nodes.add("", "Split", List.of(shaped, ONE_ROW_EACH), List.of(row), Attribute.of("axis", 0));
        NodeList groups = new NodeList(PREFIX + slot + ".groups");
        String[] localScales = local(x, row, groups);
        NodeList fixed = new NodeList(PREFIX + slot + ".fixed");
        String[] scales = {fixed.of("Identity", row[SCALE]), fixed.of("Identity", row[SCALE])};
        String divisor = PREFIX + slot + ".divisor";
        String factor = PREFIX + slot + ".factor";
        nodes.add(
                "",
                "If",
                List.of(local(slot)),
                List.of(divisor, factor),
                Attribute.graph("then_branch", groups, localScales),
                Attribute.graph("else_branch", fixed, scales));
        String shifted = nodes.of("Add", nodes.of("Div", x, divisor), row[ZERO]);
        String t = nodes.of("Min", nodes.of("Max", shifted, row[LEAST]), row[GREATEST]);
        String q = rounded(t, row[SLOPE], row[FLOOR], nodes);
        return nodes.of("Mul", nodes.of("Sub", q, row[ZERO]), factor);
    }

    private static String rounded(String t, String slope, String floor, NodeList nodes) {
        String magnitude = nodes.of("Abs", t);
        String large = nodes.of("Mul", magnitude, SPLITTER);
        String power = nodes.of("Sub", large, nodes.of("Sub", large, nodes.of("Mul", magnitude, PART)));
        String magic = nodes.of("Max", nodes.of("Mul", power, slope), floor);
        return nodes.of("Sub", nodes.of("Add", t, magic), magic);
    }

    /** Local scales of NVFP4 as divisor and factor of every value; a local scale of 0 makes a group 0. */
    private String[] local(String x, String[] row, NodeList nodes) {
        String grouped = nodes.of("Reshape", nodes.of("Abs", x), GROUPS);
        String most = operators >= 18
                ? nodes.of("ReduceMax", grouped, LAST_AXIS)
                : nodes.add("ReduceMax", List.of(grouped), Attribute.of("axes", new long[] {-1}));
        String spread = nodes.of("Reshape", nodes.of("Mul", most, GROUP_ONES), nodes.of("Shape", x));
        String part = nodes.of("Div", spread, GREATEST_FP4);
        part = cast(cast(part, FLOAT, cacheType, nodes), cacheType, FLOAT, nodes);
        String local = nodes.of("Div", nodes.of("Mul", part, row[GLOBAL_FACTOR]), row[GLOBAL_DIVISOR]);
        String code = rounded(nodes.of("Min", local, GREATEST_E4M3), SLOPE_E4M3, FLOOR_E4M3, nodes);
        String factor = nodes.of("Div", nodes.of("Mul", code, row[GLOBAL_DIVISOR]), row[GLOBAL_FACTOR]);
        String divisor = nodes.of("Where", nodes.of("Equal", factor, NOTHING), INFINITY, factor);
        return new String[] {divisor, factor};
    }
}
