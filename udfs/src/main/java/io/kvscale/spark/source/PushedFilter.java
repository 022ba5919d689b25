package io.kvscale.spark.source;

import io.kvscale.capture.rows.RowFilter;
import io.kvscale.tensor.Sample;
import io.kvscale.tensor.Slot;
import java.util.Arrays;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.function.Predicate;
import org.apache.spark.sql.sources.And;
import org.apache.spark.sql.sources.EqualNullSafe;
import org.apache.spark.sql.sources.EqualTo;
import org.apache.spark.sql.sources.Filter;
import org.apache.spark.sql.sources.GreaterThan;
import org.apache.spark.sql.sources.GreaterThanOrEqual;
import org.apache.spark.sql.sources.In;
import org.apache.spark.sql.sources.IsNotNull;
import org.apache.spark.sql.sources.IsNull;
import org.apache.spark.sql.sources.LessThan;
import org.apache.spark.sql.sources.LessThanOrEqual;
import org.apache.spark.sql.sources.Not;
import org.apache.spark.sql.sources.Or;
import org.apache.spark.sql.sources.StringContains;
import org.apache.spark.sql.sources.StringEndsWith;
import org.apache.spark.sql.sources.StringStartsWith;
import org.jspecify.annotations.Nullable;

/**
 * The pushed-down filters of a query on {@code sample}, {@code layer} and {@code role}; rows must satisfy all.
 * Evaluated in SQL's three-valued logic. For a file that is not read yet, UNKNOWN also means that a row may match.
 *
 * @param filters filters that {@link #isSupported} accepts
 */
record PushedFilter(Filter[] filters) implements RowFilter {
    private static final Set<String> COLUMNS =
            Set.of(KvColumn.SAMPLE.column(), KvColumn.LAYER.column(), KvColumn.ROLE.column());

    private enum Truth {
        FALSE,
        UNKNOWN,
        TRUE;

        static Truth of(boolean value) {
            return value ? TRUE : FALSE;
        }

        Truth and(Truth other) {
            return compareTo(other) <= 0 ? this : other;
        }

        Truth or(Truth other) {
            return compareTo(other) >= 0 ? this : other;
        }

        Truth not() {
            return values()[2 - ordinal()];
        }
    }

    /** The facts that a filter is evaluated on. */
    private interface Known {
        default Truth isNull(String column) {
            return Truth.UNKNOWN;
        }

        /** Applies {@code holds} to the result of comparing the column with a value. */
        default Truth compare(String column, Object value, IntPredicate holds) {
            return Truth.UNKNOWN;
        }

        default Truth equalTo(String column, Object value) {
            return compare(column, value, c -> c == 0);
        }

        default Truth text(String column, Predicate<String> holds) {
            return Truth.UNKNOWN;
        }
    }

    static boolean isSupported(Filter filter) {
        if (filter instanceof And and) {
            return isSupported(and.left()) && isSupported(and.right());
        }
        if (filter instanceof Or or) {
            return isSupported(or.left()) && isSupported(or.right());
        }
        if (filter instanceof Not not) {
            return isSupported(not.child());
        }
        boolean known = filter instanceof EqualTo
                || filter instanceof EqualNullSafe
                || filter instanceof In
                || filter instanceof IsNull
                || filter instanceof IsNotNull
                || filter instanceof LessThan
                || filter instanceof LessThanOrEqual
                || filter instanceof GreaterThan
                || filter instanceof GreaterThanOrEqual
                || filter instanceof StringStartsWith
                || filter instanceof StringEndsWith
                || filter instanceof StringContains;
        return known && COLUMNS.containsAll(Arrays.asList(filter.references()));
    }

    @Override
    public boolean includes(@Nullable String sample, Slot slot) {
        return all(new Row(sample, slot)) == Truth.TRUE;
    }

    @Override
    public boolean mayInclude(String sample) {
        return all(new Named(sample)) != Truth.FALSE;
    }

    private Truth all(Known known) {
        Truth truth = Truth.TRUE;
        for (Filter filter : filters) {
            truth = truth.and(evaluate(filter, known));
        }
        return truth;
    }

    private static Truth evaluate(Filter filter, Known known) {
        if (filter instanceof And and) {
            return evaluate(and.left(), known).and(evaluate(and.right(), known));
        }
        if (filter instanceof Or or) {
            return evaluate(or.left(), known).or(evaluate(or.right(), known));
        }
        if (filter instanceof Not not) {
            return evaluate(not.child(), known).not();
        }
        if (filter instanceof IsNull isNull) {
            return known.isNull(isNull.attribute());
        }
        if (filter instanceof IsNotNull isNotNull) {
            return known.isNull(isNotNull.attribute()).not();
        }
        if (filter instanceof EqualTo equal) {
            return known.equalTo(equal.attribute(), equal.value());
        }
        if (filter instanceof EqualNullSafe equal) {
            Truth isNull = known.isNull(equal.attribute());
            return equal.value() == null ? isNull : isNull.not().and(known.equalTo(equal.attribute(), equal.value()));
        }
        if (filter instanceof In in) {
            Truth truth = Truth.FALSE;
            for (Object value : in.values()) {
                truth = truth.or(value == null ? Truth.UNKNOWN : known.equalTo(in.attribute(), value));
            }
            return truth;
        }
        return comparison(filter, known);
    }

    private static Truth comparison(Filter filter, Known known) {
        if (filter instanceof LessThan less) {
            return known.compare(less.attribute(), less.value(), c -> c < 0);
        }
        if (filter instanceof LessThanOrEqual most) {
            return known.compare(most.attribute(), most.value(), c -> c <= 0);
        }
        if (filter instanceof GreaterThan greater) {
            return known.compare(greater.attribute(), greater.value(), c -> c > 0);
        }
        if (filter instanceof GreaterThanOrEqual least) {
            return known.compare(least.attribute(), least.value(), c -> c >= 0);
        }
        if (filter instanceof StringStartsWith starts) {
            return known.text(starts.attribute(), text -> text.startsWith(starts.value()));
        }
        if (filter instanceof StringEndsWith ends) {
            return known.text(ends.attribute(), text -> text.endsWith(ends.value()));
        }
        if (filter instanceof StringContains contains) {
            return known.text(contains.attribute(), text -> text.contains(contains.value()));
        }
        throw new IllegalArgumentException(filter + " is not supported");
    }

    /** A known row. */
    private record Row(@Nullable String sample, Slot slot) implements Known {
        private @Nullable String textOf(String column) {
            return column.equals(KvColumn.ROLE.column()) ? slot.role().word() : sample;
        }

        private static boolean isLayer(String column) {
            return column.equals(KvColumn.LAYER.column());
        }

        @Override
        public Truth isNull(String column) {
            return Truth.of(!isLayer(column) && textOf(column) == null);
        }

        @Override
        public Truth compare(String column, Object value, IntPredicate holds) {
            if (isLayer(column)) {
                return Truth.of(holds.test(Integer.compare(slot.layer(), ((Number) value).intValue())));
            }
            return text(column, text -> holds.test(Sample.compareUtf8(text, value.toString())));
        }

        @Override
        public Truth text(String column, Predicate<String> holds) {
            String text = textOf(column);
            return text == null ? Truth.UNKNOWN : Truth.of(holds.test(text));
        }
    }

    /** The rows of a file of which only the sample name is known. In a batch, {@code #row} follows the name. */
    private record Named(String name) implements Known {
        @Override
        public Truth equalTo(String column, Object value) {
            String text = value.toString();
            boolean possible =
                    !column.equals(KvColumn.SAMPLE.column()) || text.equals(name) || text.startsWith(name + "#");
            return possible ? Truth.UNKNOWN : Truth.FALSE;
        }
    }
}
