package io.kvscale.task;

import io.kvscale.cache.QuantizedKvCache;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.Corpus;
import io.kvscale.observer.PieceListener;
import io.kvscale.observer.SlotStatistics;
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
import org.jspecify.annotations.Nullable;

/**
 * Everything that a task over files, rows or texts finds out: statistics and geometries by slot, the first problem, and
 * counts. A commutative monoid under {@link #merge}: the merged state does not depend on how the corpus was split.
 *
 * <p>Bad data is part of the state. Of several problems, the first by sample, layer and role is kept. A slot with two
 * geometries keeps the statistics of the first one, for the error message only. Not thread-safe.
 */
public final class TaskState {
    /** The key of the part that holds everything except slots. */
    private static final int NO_SLOT = -1;

    /** Slots that keep ranges of batches share so many parts, because each part names every file. */
    private static final int PARTS_OF_BATCHES = 4;

    private final SortedMap<Slot, SlotStatistics> slots = new TreeMap<>();
    private final TreeMap<Slot, Geometries> geometries = new TreeMap<>();
    private Corpus corpus = Corpus.EMPTY;
    private Tally tally = Tally.NONE;
    private LayoutEvidence layout = LayoutEvidence.NONE;
    private Suspicion suspicion = Suspicion.NONE;
    private Copies copies = new Copies();
    private TokenSums tokenSums = new TokenSums();
    private SampleRotations rotations = new SampleRotations();
    private @Nullable DataProblem found;

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
        SlotStatistics seen = slots.get(slot);
        if (position.element() == 0) {
            // Queries have more heads, and say nothing about the layout that K and V do not say.
            layout = slot.role().isCached() ? layout.merge(LayoutEvidence.of(slot, source)) : layout;
            tokenSums.add(slot, source);
        }
        boolean fits = seen == null || seen.geometry().equals(source.geometry());
        if (position.element() == 0 || seen == null || !fits) {
            geometries.merge(slot, Geometries.of(source.geometry(), source.origin(0)), Geometries::merge);
        }
        PieceListener listener = fits && rotation != null ? rotation.listener(slot, source) : null;
        if (seen == null) {
            cache.observe(slot, position, values, listener);
            slots.put(slot, Objects.requireNonNull(cache.statistics().get(slot)));
        } else if (fits) {
            seen.update(position, values, listener);
        }
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
            SlotStatistics merged = null;
            for (SlotStatistics part : Arrays.asList(slots.remove(slot), other.slots.get(slot))) {
                if (part != null && part.geometry().equals(geometry)) {
                    if (merged == null) {
                        merged = part;
                    } else {
                        merged.merge(part);
                    }
                }
            }
            if (merged != null) {
                slots.put(slot, merged);
            }
        });
        corpus = corpus.merge(other.corpus);
        tally = tally.merge(other.tally);
        layout = layout.merge(other.layout);
        suspicion = suspicion.merge(other.suspicion);
        copies.merge(other.copies);
        tokenSums.merge(other.tokenSums);
        rotations.merge(other.rotations);
        found = DataProblem.earlier(found, other.found);
    }

    /** This state, as if it had cost no time and no bytes: a later run takes it instead of reading. */
    public TaskState withoutCost() {
        tally = tally.withoutCost();
        return this;
    }

    /** Whether nothing was observed, counted or found wrong. */
    public boolean isEmpty() {
        return geometries.isEmpty() && corpus.equals(Corpus.EMPTY) && tally.equals(Tally.NONE) && found == null;
    }

    /** The statistics and what was read; incomplete if there is a problem. */
    public CalibrationStatistics statistics() {
        return new CalibrationStatistics(corpus, slots);
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
     * The state in parts that can be merged in parallel: one part for each slot, or a few for slots that keep ranges of batches,
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
        });
        return parts;
    }

    /**
     * The state as bytes, for the way between tasks of one Spark application, and for runs of one version of kvscale; not a
     * file format.
     */
    public byte[] toByteArray() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(statistics().toTaskBytes());
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
