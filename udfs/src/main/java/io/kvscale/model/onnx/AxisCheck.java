package io.kvscale.model.onnx;

import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Checks that the axes which nodes name are axes that a tensor can have: ONNX Runtime crashes for some others. Constants of
 * graphs inside attributes and of functions count too, by their names.
 */
final class AxisCheck {
    private static final Set<String> ATTRIBUTES = Set.of("axis", "axes", "batch_dims");

    /** The constants that are beyond the range, with the offending value. */
    private final Map<String, Long> beyond = new HashMap<>();
    /** The operators that take their axes from an input, by the input's name. */
    private final Map<String, String> users = new HashMap<>();

    private @Nullable String problem;

    /** Records the value of an initializer. */
    void constant(String name, SmallIntegers values) {
        long value = values.firstBeyond();
        if (value != 0) {
            beyond.put(name, value);
        }
    }

    /**
     * Records a node.
     *
     * @param values the integers in its attributes
     */
    void node(String operator, List<String> inputs, List<String> outputs, SmallIntegers values) {
        int input = axesInput(operator);
        if (input >= 0 && input < inputs.size()) {
            users.put(inputs.get(input), operator);
        }
        if (operator.equals("Constant") && !outputs.isEmpty()) {
            constant(outputs.get(0), values);
        }
    }

    /** Records an integer attribute. */
    void attribute(String name, SmallIntegers values) {
        boolean impossible =
                name.equals("perm") ? !values.isPermutation() : ATTRIBUTES.contains(name) && values.firstBeyond() != 0;
        if (impossible && problem == null) {
            problem = "has a node with " + name + " " + values;
        }
    }

    /** The input that holds axes; -1 for none. */
    private static int axesInput(String operator) {
        return switch (operator) {
            case "Slice", "Pad" -> 3;
            case "Squeeze", "Unsqueeze", "CumSum" -> 1;
            default -> operator.startsWith("Reduce") ? 1 : -1;
        };
    }

    /** @throws InvalidDataException if a node names an axis beyond those of any tensor */
    void check(String file) {
        users.forEach((input, operator) -> {
            Long value = beyond.get(input);
            if (value != null && problem == null) {
                problem = "has a node " + operator + " with axis " + value + ", from " + DataProblem.shown(input);
            }
        });
        if (problem != null) {
            throw new InvalidDataException(DataProblem.of(
                            "the model " + problem + ", which no tensor has",
                            "export or copy the model again; the file is damaged")
                    .inFile(file));
        }
    }
}
