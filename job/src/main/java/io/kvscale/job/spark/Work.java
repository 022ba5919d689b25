package io.kvscale.job.spark;

import java.time.Duration;
import java.util.Locale;

/** The amount of work of a Spark job, and its progress line. */
public sealed interface Work {
    /** Fewer bytes would be shown as 0.0 MB. */
    long SHOWN_BYTES = 50_000;

    /** Before this time, and this share of the work, the rate says nothing about the time left. */
    double MIN_SECONDS = 5;

    double MIN_SHARE = 0.02;

    /**
     * Bytes of K and V.
     *
     * @param total negative if not known
     */
    record Bytes(long total) implements Work {
        @Override
        public String phase() {
            return "read captures";
        }

        @Override
        public String line(long done, long samples, double seconds) {
            double rate = done / seconds;
            if (done < SHOWN_BYTES) {
                return format(total < 0 ? "starts to read" : "starts to read %.1f MB", total / 1e6);
            }
            return total < 0
                    ? format("%.1f MB, %.1f MB/s", done / 1e6, rate / 1e6)
                    : format(
                            "%.1f of %.1f MB (%d %%), %.1f MB/s%s",
                            Math.min(total, done) / 1e6,
                            total / 1e6,
                            percent(done, total),
                            rate / 1e6,
                            left(done, total, seconds));
        }
    }

    /**
     * Samples that a model runs over.
     *
     * @param total number of tokens
     */
    record Tokens(long total, long samples) implements Work {
        @Override
        public String phase() {
            return "run model";
        }

        @Override
        public String line(long done, long doneSamples, double seconds) {
            double rate = done / seconds;
            return format(
                    "%d of %d samples, %d of %d tokens (%d %%), %.0f tokens/s%s",
                    Math.min(samples, doneSamples),
                    samples,
                    Math.min(total, done),
                    total,
                    percent(done, total),
                    rate,
                    left(done, total, seconds));
        }
    }

    /** Texts to read and tokenize; their number is not known before. */
    record Texts() implements Work {
        @Override
        public String phase() {
            return "read texts";
        }

        @Override
        public String line(long done, long samples, double seconds) {
            return format("%d texts read, %.0f texts/s", samples, samples / seconds);
        }
    }

    /** Files or rows of a corpus that are looked at once more, for the samples to name. */
    record SecondLook() implements Work {
        @Override
        public String phase() {
            return "second look";
        }

        @Override
        public String line(long done, long samples, double seconds) {
            return format("looks for the samples at fault, %d files or rows, %.0f/s", done, done / seconds);
        }
    }

    /** The files of a listing; their number is not known before. */
    record Listing() implements Work {
        @Override
        public String phase() {
            return "list input";
        }

        @Override
        public String line(long done, long samples, double seconds) {
            return format("lists the input, %d files, %.0f/s", done, done / seconds);
        }
    }

    /** The files of a model, which are hashed before the run. */
    record ModelFiles() implements Work {
        @Override
        public String phase() {
            return "hash model";
        }

        @Override
        public String line(long done, long samples, double seconds) {
            return format("hashes the model, %.1f MB, %.1f MB/s", done / 1e6, done / seconds / 1e6);
        }
    }

    /** What is done, in two words: the end of the name of a job group. */
    String phase();

    /** The progress line: bytes or tokens done, samples done, rate, time left. */
    String line(long done, long samples, double seconds);

    private static String format(String line, Object... values) {
        return "kvscale: " + String.format(Locale.ROOT, line, values);
    }

    private static long percent(long done, long total) {
        return (long) (100.0 * Math.min(total, done) / total);
    }

    private static String left(long done, long total, double seconds) {
        if (done == 0 || seconds < MIN_SECONDS || done < MIN_SHARE * total) {
            return "";
        }
        double most = Math.min(Math.max(0, total - done) / (done / seconds), 1e7);
        Duration left = Duration.ofSeconds(Math.round(most));
        String shown = left.toHours() > 0
                ? left.toHours() + " h " + left.toMinutesPart() + " min"
                : left.toMinutes() > 0
                        ? left.toMinutes() + " min " + left.toSecondsPart() + " s"
                        : left.toSeconds() + " s";
        return ", " + shown + " left";
    }
}
