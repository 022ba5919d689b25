package io.kvscale.task;

import io.kvscale.cache.QuantizedKvCache;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.Corpus;
import io.kvscale.observer.PieceListener;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Collections;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Everything that a task over files, rows or texts finds out: statistics and geometries by slot, the first problem, and
 * counts. A commutative monoid under {@link #merge}: the merged state does not depend on how the corpus was split.
 *
 * <p>Bad data is part of the state. Of several problems, the first by sample, layer and role is kept. A slot with two
 * geometries keeps the statistics of the first one, for the error message only. Not thread-safe.
 *
 * <p>With {@link StatisticsKind#levels} the statistics of rarer samples are kept apart until {@link #join}.
 */
public final class TaskState {
    /** The key of the part that holds everything except slots. */
    private static final int NO_SLOT = -1;

    private static final SortedMap<Slot, SlotStatistics> NO_SLOTS = Collections.emptySortedMap();

    /** Slots that keep ranges of batches share so many parts, because each part names every file. */
    private static final int PARTS_OF_BATCHES = 4;

    private final SortedMap<Slot, SlotStatistics> slots = new TreeMap<>();
    /** The statistics of samples above level 0, by level. */
    private final TreeMap<Integer, SortedMap<Slot, SlotStatistics>> rarer = new TreeMap<>();

    private final boolean levels;
    private final TreeMap<Slot, Geometries> geometries = new TreeMap<>();
    private Corpus corpus = Corpus.EMPTY;
    private Tally tally = Tally.NONE;
    private LayoutEvidence layout = LayoutEvidence.NONE;
    private Suspicion suspicion = Suspicion.NONE;
    private Copies copies = new Copies();
    private TokenSums tokenSums = new TokenSums();
    private SampleRotations rotations = new SampleRotations();
    private final StratumStatistics strata = new StratumStatistics();
    private @Nullable DataProblem found;
    private long readNanos;

    /** An empty state, to merge others into. */
    public TaskState() {
        this(StatisticsKind.RANGE);
    }

    /** The empty state of a task. */
    TaskState(StatisticsKind kind) {
        this.levels = kind.levels();
    }

    /** A state with a problem and nothing else. */
    public static TaskState of(DataProblem problem) {
        TaskState state = new TaskState();
        state.add(problem);
        return state;
    }

    /** A state with counts and nothing else. */
    public static TaskState of(Corpus corpus, Tally tally) {
        return new TaskState().counting(corpus, tally);
    }

    /**
     * Observes a piece of K or V. A piece of a second geometry is recorded but not observed: {@link #problem} reports it.
     *
     * @param cache observes the piece; its statistics become part of this state
     * @param rotation sees the sizes of channels; null if nobody needs them
     */
    void observe(
            QuantizedKvCache cache, @Nullable RotationScan rotation, Slot slot, Position position, ByteBuffer values) {
        KvSource source = position.source();
        SortedMap<Slot, SlotStatistics> at = at(levels ? SampleLevel.of(source) : 0);
        SlotStatistics first = cache.statistics().get(slot);
        if (position.element() == 0) {
            // Queries have more heads, and say nothing about the layout that K and V do not say.
            layout = slot.role().isCached() ? layout.merge(LayoutEvidence.of(slot, source)) : layout;
            tokenSums.add(slot, source);
        }
        boolean fits = first == null || first.geometry().equals(source.geometry());
        if (position.element() == 0 || first == null || !fits) {
            geometries.merge(slot, Geometries.of(source.geometry(), source.origin(0)), Geometries::merge);
        }
        PieceListener listener = fits && rotation != null ? rotation.listener(slot, source) : null;
        if (first == null) {
            cache.observe(slot, position, values, listener);
            at.put(slot, Objects.requireNonNull(cache.statistics().get(slot)));
        } else if (fits) {
            at.computeIfAbsent(slot, s -> first.fresh()).update(position, values, listener);
        }
    }

    private SortedMap<Slot, SlotStatistics> at(int level) {
        return level == 0 ? slots : rarer.computeIfAbsent(level, l -> new TreeMap<>());
    }

    /** Keeps the first of all problems. */
    public void add(DataProblem problem) {
        found = DataProblem.earlier(found, problem);
    }

    /** Replaces the counts. */
    TaskState counting(Corpus read, Tally counts) {
        corpus = read;
        tally = counts;
        return this;
    }

    /** Sets the time that reads took. */
    TaskState reading(long nanos) {
        readNanos = nanos;
        return this;
    }

    /** Nanoseconds that the reads of this task took. It does not travel with the state. */
    public long readNanos() {
        return readNanos;
    }

    /** Adds time of tasks to the counts. */
    public TaskState spending(PhaseNanos more) {
        tally = tally.plus(more);
        return this;
    }

    /** Replaces what looks wrong with the values. */
    TaskState suspecting(CaptureScreen screen) {
        suspicion = screen.suspicion();
        copies = screen.copies();
        return this;
    }

    /** Adds the statistics of a stratum, which must not be used afterwards. They are not added to those of the slots. */
    void add(String stratum, CalibrationStatistics seen) {
        strata.add(stratum, seen);
    }

    /** Replaces what is known of RoPE in single samples. */
    TaskState rotated(RotationScan scan) {
        rotations = scan.found();
        return this;
    }

    /** Adds another state, which must not be used afterwards. */
    public void merge(TaskState other) {
        other.geometries.forEach((slot, seen) -> {
            Geometry geometry = geometries
                    .merge(slot, seen, Geometries::merge)
                    .seen()
                    .get(0)
                    .geometry();
            merge(slot, geometry, slots, other.slots);
            other.rarer.keySet().forEach(this::at);
            rarer.forEach((level, mine) -> merge(slot, geometry, mine, other.rarer.getOrDefault(level, NO_SLOTS)));
        });
        corpus = corpus.merge(other.corpus);
        tally = tally.merge(other.tally);
        layout = layout.merge(other.layout);
        suspicion = suspicion.merge(other.suspicion);
        copies.merge(other.copies);
        tokenSums.merge(other.tokenSums);
        rotations.merge(other.rotations);
        strata.merge(other.strata);
        found = DataProblem.earlier(found, other.found);
    }

    private static void merge(
            Slot slot, Geometry geometry, SortedMap<Slot, SlotStatistics> to, SortedMap<Slot, SlotStatistics> other) {
        SlotStatistics merged = null;
        for (SlotStatistics part : Arrays.asList(to.remove(slot), other.get(slot))) {
            if (part != null && part.geometry().equals(geometry)) {
                if (merged == null) {
                    merged = part;
                } else {
                    merged.merge(part);
                }
            }
        }
        if (merged != null) {
            to.put(slot, merged);
        }
    }

    /**
     * Joins the statistics of all levels, from the rarest to that of most samples.
     *
     * @param unions receives the statistics of the samples of each level and all rarer ones; they change afterwards
     */
    public void join(Consumer<CalibrationStatistics> unions) {
        TreeMap<Slot, SlotStatistics> union = new TreeMap<>();
        rarer.put(0, new TreeMap<>(slots));
        rarer.descendingMap().forEach((level, more) -> {
            more.forEach((slot, statistics) -> {
                SlotStatistics present = union.putIfAbsent(slot, statistics);
                if (present != null) {
                    present.merge(statistics);
                }
            });
            unions.accept(new CalibrationStatistics(Corpus.EMPTY, union));
        });
        rarer.clear();
        slots.putAll(union);
    }

    /** This state, as if it had cost no time and no bytes: a later run takes it instead of reading. */
    public TaskState withoutCost() {
        tally = tally.withoutCost();
        return this;
    }

    /** Whether nothing was observed, counted or found wrong. */
    public boolean isEmpty() {
        return geometries.isEmpty()
                && corpus.equals(Corpus.EMPTY)
                && tally.equals(Tally.NONE)
                && found == null
                && strata.values().isEmpty();
    }

    /**
     * The statistics, those of all strata included, and what was read; incomplete if there is a problem.
     *
     * @throws IllegalStateException if there are levels that were not joined
     */
    public CalibrationStatistics statistics() {
        if (!rarer.isEmpty()) {
            throw new IllegalStateException("the levels of " + rarer.keySet() + " are not joined");
        }
        CalibrationStatistics own = new CalibrationStatistics(corpus, slots);
        return strata.values().isEmpty() ? own : strata.mergedWith(own);
    }

    /** The statistics of each stratum, by its name; empty if they were not kept apart. */
    public SortedMap<String, CalibrationStatistics> strata() {
        return strata.values();
    }

    /** The geometries of every slot; a slot with two has a {@link Geometries#conflict}. */
    public SortedMap<Slot, Geometries> geometries() {
        return Collections.unmodifiableSortedMap(geometries);
    }

    /** The first problem by sample, layer and role, conflicting geometries included; null if there is none. */
    public @Nullable DataProblem problem() {
        return problem(false);
    }

    /** @param guessed whether the layout of tensors was guessed: it may be wrong, and conflicting geometries may come from it */
    public @Nullable DataProblem problem(boolean guessed) {
        DataProblem first = found;
        for (Map.Entry<Slot, Geometries> entry : geometries.entrySet()) {
            first = DataProblem.earlier(first, entry.getValue().conflict(entry.getKey(), guessed ? layout : null));
        }
        return first == null && guessed ? layout.error() : first;
    }

    /** The problem of a corpus whose tensors may have been read in a wrong layout; null if there is none. */
    public @Nullable DataProblem layoutDoubt() {
        return layout.doubt();
    }

    /** What looks wrong with the values, and a closer look may confirm. */
    public Suspicion suspicion() {
        return suspicion;
    }

    /** The samples that have the same content. */
    public Copies copies() {
        return copies;
    }

    /** Whether samples differ in the tokens of their slots. */
    public TokenSums tokenSums() {
        return tokenSums;
    }

    /** What the sizes of channels say about RoPE in each sample. */
    public SampleRotations rotations() {
        return rotations;
    }

    /** The first problem that was added, conflicting geometries left out. */
    @Nullable
    DataProblem found() {
        return found;
    }

    public Tally tally() {
        return tally;
    }

    /**
     * The state in parts that can be merged in parallel: one part for each slot and stratum, or a few for slots that keep ranges of batches,
     * and one for the rest. Parts with the same key belong together; all parts merged give this state.
     */
    public SortedMap<Integer, TaskState> parts() {
        SortedMap<Integer, TaskState> parts = new TreeMap<>();
        TaskState rest = of(corpus, tally);
        rest.found = found;
        rest.layout = layout;
        rest.suspicion = suspicion;
        rest.copies = copies;
        rest.tokenSums = tokenSums;
        rest.rotations = rotations;
        parts.put(NO_SLOT, rest);
        geometries.forEach((slot, seen) -> {
            SlotStatistics statistics = slots.get(slot);
            int key = slot.layer() * Role.values().length + slot.role().ordinal();
            boolean shares = statistics != null && statistics.batchPolicy() != null;
            TaskState part = parts.computeIfAbsent(shares ? key % PARTS_OF_BATCHES : key, k -> new TaskState());
            part.geometries.put(slot, seen);
            if (statistics != null) {
                part.slots.put(slot, statistics);
            }
            rarer.forEach((level, all) -> {
                SlotStatistics rare = all.get(slot);
                if (rare != null) {
                    part.at(level).put(slot, rare);
                }
            });
        });
        strata.values()
                .forEach((stratum, seen) -> parts.computeIfAbsent(stratum.hashCode(), key -> new TaskState())
                        .add(stratum, seen));
        return parts;
    }

    /**
     * The state as bytes, for the way between tasks of one Spark application, and for runs of one version of kvscale; not a
     * file format.
     */
    public byte[] toByteArray() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(new CalibrationStatistics(corpus, slots).toTaskBytes());
            out.writeObject(strata.toByteArrays());
            TreeMap<Integer, byte[]> apart = new TreeMap<>();
            rarer.forEach((level, all) -> apart.put(level, new CalibrationStatistics(Corpus.EMPTY, all).toTaskBytes()));
            out.writeObject(apart);
            out.writeObject(geometries);
            out.writeObject(tally);
            out.writeObject(layout);
            out.writeObject(suspicion);
            out.writeObject(copies);
            out.writeObject(tokenSums);
            out.writeObject(rotations);
            out.writeObject(found);
        } catch (IOException e) {
            throw new UncheckedIOException("a task's state cannot be serialized", e);
        }
        return bytes.toByteArray();
    }

    /**
     * Reads what {@link #toByteArray} wrote. Bytes of another origin create no objects of foreign classes.
     *
     * @throws IllegalStateException if these bytes are something else
     * @throws io.kvscale.tensor.InvalidDataException if the statistics in them are damaged
     */
    @SuppressWarnings("unchecked")
    public static TaskState fromByteArray(byte[] bytes) {
        TaskState state = new TaskState();
        try (ObjectInputStream in = StateObjects.open(bytes)) {
            CalibrationStatistics statistics = CalibrationStatistics.ofTaskBytes((byte[]) in.readObject());
            state.slots.putAll(statistics.slots());
            state.corpus = statistics.corpus();
            state.strata.addAll((Map<String, byte[]>) in.readObject());
            ((Map<Integer, byte[]>) in.readObject())
                    .forEach((level, rare) -> state.at(level)
                            .putAll(CalibrationStatistics.ofTaskBytes(rare).slots()));
            state.geometries.putAll((Map<Slot, Geometries>) in.readObject());
            state.tally = (Tally) in.readObject();
            state.layout = (LayoutEvidence) in.readObject();
            state.suspicion = (Suspicion) in.readObject();
            state.copies = (Copies) in.readObject();
            state.tokenSums = (TokenSums) in.readObject();
            state.rotations = (SampleRotations) in.readObject();
            state.found = (DataProblem) in.readObject();
        } catch (IOException | ClassNotFoundException | ClassCastException e) {
            throw new IllegalStateException("these bytes are not a task's state", e);
        }
        return state;
    }
}
