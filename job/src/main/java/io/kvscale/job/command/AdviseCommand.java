package io.kvscale.job.command;

import io.kvscale.job.advice.Advice;
import io.kvscale.job.advice.AdviceGoal;
import io.kvscale.job.advice.AdviceJson;
import io.kvscale.job.advice.Advisor;
import io.kvscale.job.advice.AverageBits;
import io.kvscale.job.advice.MinSqnr;
import io.kvscale.job.console.AdvicePrinter;
import io.kvscale.job.target.ScaleExporter;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.scheme.InvalidSchemeException;
import io.kvscale.scheme.SchemeText;
import io.kvscale.scheme.Strategy;
import io.kvscale.tensor.DataProblem;
import java.io.PrintWriter;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Recommends number formats. Reads only a statistics file; does not start Spark. */
@Command(
        name = "advise",
        description = "Recommends a number format for K and V of each layer, from statistics with histograms.",
        footer = {
            "Each format is measured with the symmetric static scales that have the least squared error.",
            "SQNR is over all values. K and V of a layer are both quantized, or both stay in 16 bits; then",
            "vLLM must skip the layer."
        })
public final class AdviseCommand extends CommandPart implements Callable<Integer> {
    @Option(
            names = "--statistics",
            required = true,
            paramLabel = "FILE",
            description = "statistics.kvstats of a calibration with statistics: histogram.")
    private String statisticsFile = "";

    @ArgGroup(exclusive = true, multiplicity = "1")
    private Goal goal = new Goal();

    @Option(names = "--strategy", paramLabel = "STRATEGY", description = "tensor (default) or attn_head.")
    private String strategy = Strategy.TENSOR.word();

    @Option(
            names = "--formats",
            paramLabel = "FORMAT",
            split = ",",
            completionCandidates = FormatNames.class,
            description = "Formats to choose from, separated by commas: ${COMPLETION-CANDIDATES}. Default: all.")
    private List<String> formats = new ArrayList<>();

    @Option(
            names = "--for",
            paramLabel = "TARGET",
            converter = TargetWord.class,
            completionCandidates = TargetWord.All.class,
            description = "Recommend only what this target of kvscale export loads: ${COMPLETION-CANDIDATES}.")
    private @Nullable ScaleExporter target;

    @Mixin
    private ConfArgument conf = new ConfArgument();

    @Option(names = "--json", description = "Print JSON, with all formats of each slot and the recipe as a string.")
    private boolean json;

    /** The values of {@code --formats} that its help lists. */
    static final class FormatNames implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return Advisor.FORMATS.stream().map(format -> format.names().get(0)).iterator();
        }
    }

    /** The goal: exactly one of the two options. */
    static final class Goal {
        @Option(
                names = "--min-sqnr",
                required = true,
                paramLabel = "DB",
                converter = PlainNumber.class,
                description = "Choose the formats with the fewest bits that reach this SQNR in decibels.")
        private @Nullable BigDecimal minSqnr;

        @Option(
                names = "--bits",
                required = true,
                paramLabel = "B",
                converter = PlainNumber.class,
                description =
                        "Choose the formats with the least noise/signal, summed over slots, that take at most this"
                                + " many bits per cached value on average.")
        private @Nullable BigDecimal bits;

        AdviceGoal budget() {
            if (minSqnr != null) {
                return new MinSqnr(minSqnr);
            }
            if (bits != null) {
                return new AverageBits(bits);
            }
            throw new IllegalStateException("picocli requires one of the options");
        }
    }

    /** A plain decimal number. NaN, infinity and exponents are refused; 1e999999999 would fill the memory. */
    static final class PlainNumber implements ITypeConverter<BigDecimal> {
        private static final int MAX_CHARACTERS = 20;

        @Override
        public BigDecimal convert(String text) {
            if (text.length() <= MAX_CHARACTERS && text.matches("-?\\d+(\\.\\d+)?")) {
                return new BigDecimal(text);
            }
            throw new TypeConversionException(
                    "'" + DataProblem.shown(text) + "' is not a decimal number such as 30 or 6.5");
        }
    }

    @Override
    public Integer call() {
        Advisor advisor = new Advisor(strategy(), formats(), goal.budget(), target);
        Configuration hadoop = conf.hadoop();
        PrintWriter out = out();
        Advice advice = advisor.advise(HadoopFiles.statistics(statisticsFile, hadoop));
        advice.warnings().forEach(console(false)::warn);
        if (json) {
            out.print(AdviceJson.of(advice));
        } else {
            AdvicePrinter.print(advice, out);
        }
        out.flush();
        return ExitCode.DONE;
    }

    private Strategy strategy() {
        for (Strategy known : Strategy.values()) {
            if (known.isByHeads() && known.word().equals(strategy)) {
                return known;
            }
        }
        throw error("--strategy must be tensor or attn_head, because values are counted by head; got '"
                + DataProblem.shown(strategy) + "'");
    }

    private List<NumberFormat> formats() {
        try {
            return formats.isEmpty()
                    ? Advisor.FORMATS
                    : formats.stream().map(SchemeText::format).toList();
        } catch (InvalidSchemeException e) {
            throw error("--formats: " + e.what() + "; " + e.remedy());
        }
    }
}
