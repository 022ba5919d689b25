package io.kvscale.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Locale;

/** Python's arithmetic; integers beyond 64 bits are errors. */
final class NumberValues {
    private NumberValues() {}

    static Object integer(String digits) {
        String plain = digits.replace("_", "").toLowerCase(Locale.ROOT);
        int base = plain.startsWith("0x") ? 16 : plain.startsWith("0o") ? 8 : plain.startsWith("0b") ? 2 : 10;
        try {
            return Long.parseLong(base == 10 ? plain : plain.substring(2), base);
        } catch (NumberFormatException e) {
            throw TemplateException.unsupported("an integer beyond 64 bits");
        }
    }

    static boolean isNumber(Object value) {
        return value instanceof Number || value instanceof Boolean;
    }

    static int compare(Object left, Object right) {
        Object ours = plain(left);
        Object theirs = plain(right);
        if (ours instanceof Long a && theirs instanceof Long b) {
            return Long.compare(a, b);
        }
        return decimal(ours).compareTo(decimal(theirs));
    }

    private static BigDecimal decimal(Object number) {
        if (number instanceof Double value) {
            if (value.isNaN() || value.isInfinite()) {
                throw TemplateException.unsupported("a number that is not finite");
            }
            return new BigDecimal(value);
        }
        return number instanceof BigInteger value ? new BigDecimal(value) : BigDecimal.valueOf((Long) number);
    }

    /** The number, a boolean as 0 or 1. */
    static Object plain(Object value) {
        if (!isNumber(value)) {
            throw new TemplateException(Values.typeName(value) + " is not a number");
        }
        return value instanceof Boolean is ? (Object) (is ? 1L : 0L) : value;
    }

    static Object arithmetic(String operator, Object left, Object right) {
        if (!isNumber(left) || !isNumber(right)) {
            throw new TemplateException(
                    "'" + operator + "' between " + Values.typeName(left) + " and " + Values.typeName(right));
        }
        Object a = plain(left);
        Object b = plain(right);
        if (a instanceof BigInteger || b instanceof BigInteger) {
            throw TemplateException.unsupported("arithmetic beyond 64 bits");
        }
        if (a instanceof Long ours && b instanceof Long theirs && !operator.equals("/")) {
            return integers(operator, ours, theirs);
        }
        double result = floats(operator, ((Number) a).doubleValue(), ((Number) b).doubleValue());
        if (Double.isNaN(result) || Double.isInfinite(result)) {
            throw TemplateException.unsupported("a number that is not finite");
        }
        return result;
    }

    private static Object integers(String operator, long a, long b) {
        try {
            return switch (operator) {
                case "+" -> Math.addExact(a, b);
                case "-" -> Math.subtractExact(a, b);
                case "*" -> Math.multiplyExact(a, b);
                case "//" -> Math.floorDiv(a, b);
                case "%" -> Math.floorMod(a, b);
                case "**" -> power(a, b);
                default -> throw new IllegalArgumentException(operator);
            };
        } catch (ArithmeticException e) {
            throw b == 0 && !operator.equals("**")
                    ? new TemplateException("division by zero")
                    : TemplateException.unsupported("arithmetic beyond 64 bits");
        }
    }

    private static Object power(long base, long exponent) {
        if (exponent < 0 || exponent > 64) {
            throw TemplateException.unsupported("the power " + exponent);
        }
        return BigInteger.valueOf(base).pow((int) exponent).longValueExact();
    }

    private static double floats(String operator, double a, double b) {
        if (b == 0 && "//%".contains(operator)) {
            throw new TemplateException("division by zero");
        }
        return switch (operator) {
            case "+" -> a + b;
            case "-" -> a - b;
            case "*" -> a * b;
            case "/" -> a / b;
            default -> throw TemplateException.unsupported("'" + operator + "' between floats");
        };
    }

    static Object negative(Object value) {
        return value instanceof Double number ? (Object) (-number) : arithmetic("-", 0L, value);
    }
}
