package io.kvscale.job.console;

import io.kvscale.evaluation.Attention;
import io.kvscale.job.evaluation.Evaluation;
import io.kvscale.job.evaluation.EvaluationSubject;
import io.kvscale.job.evaluation.NamedScales;
import io.kvscale.job.evaluation.SchemeQuality;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.io.PrintWriter;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Prints an evaluation: one line per scheme, then one line per layer. */
public final class EvaluationPrinter {
    private EvaluationPrinter() {}

    public static void print(Evaluation evaluation, PrintWriter out) {
        EvaluationSubject subject = evaluation.subject();
        if (subject != null) {
            out.println("model " + DataProblem.shown(subject.name()) + " in " + DataProblem.shown(subject.folder())
                    + ", SHA-256 " + subject.sha256());
        }
        out.println(evaluation.predicted() + " tokens predicted from " + evaluation.samples() + " samples, "
                + attention(evaluation.attention()));
        TextTable table = new TextTable("", "scales", "scheme", "perplexity", "kl", "top1_percent");
        table.row("", "", "full precision", digits(evaluation.perplexity()), "", "");
        for (int i = 0; i < evaluation.schemes().size(); i++) {
            SchemeQuality one = evaluation.schemes().get(i);
            table.row(
                    i + 1,
                    one.scales().name(),
                    scheme(one.scales()),
                    digits(one.perplexity()),
                    digits(one.kl()),
                    TextTable.fixed(100 * one.top1()));
        }
        table.print(out);
        for (int i = 0; i < evaluation.schemes().size(); i++) {
            SchemeQuality one = evaluation.schemes().get(i);
            out.println((i + 1) + ": " + evaluation.verdict(one)
                    + evaluation
                            .againstUnit(one)
                            .map(sentence -> " " + sentence)
                            .orElse(""));
        }
        out.println();
        out.println("SQNR of the cached K and V, in dB:");
        layers(evaluation, out);
    }

    private static String attention(Attention attention) {
        if (attention.isQuantized()) {
            return "every token attends to quantized K and V";
        }
        int residual = attention.residualLength();
        return "in chunks of " + attention.chunk()
                + (residual == 0 ? "" : "; the newest " + residual + " tokens stay in full precision");
    }

    private static void layers(Evaluation evaluation, PrintWriter out) {
        List<String> heading = new ArrayList<>(List.of("layer"));
        for (int i = 1; i <= evaluation.schemes().size(); i++) {
            heading.add(i + "_key");
            heading.add(i + "_value");
        }
        TextTable table = new TextTable(heading.toArray(String[]::new));
        evaluation.schemes().stream()
                .flatMap(one -> one.sqnrDb().keySet().stream())
                .map(Slot::layer)
                .distinct()
                .sorted()
                .forEach(layer -> {
                    List<Object> row = new ArrayList<>(List.of(layer));
                    for (SchemeQuality one : evaluation.schemes()) {
                        for (Role role : Role.CACHED) {
                            row.add(sqnr(one.sqnrDb().get(new Slot(layer, role))));
                        }
                    }
                    table.row(row.toArray());
                });
        table.print(out);
    }

    /** The scheme in a few words; "mixed" if slots differ in more than the observer. */
    private static String scheme(NamedScales scales) {
        ScaleTable table = scales.table();
        if (scales.isUnit()) {
            return table.scheme().format().word() + " scale 1.0";
        }
        QuantizationScheme common = table.scheme().withDefaultObserver();
        boolean mixed = table.slots().values().stream()
                .anyMatch(slot -> !slot.scheme().withDefaultObserver().equals(common));
        return mixed ? "mixed" : common.format().word() + " " + strategy(common);
    }

    private static String strategy(QuantizationScheme scheme) {
        return scheme.strategy().word()
                + (scheme.groupSize() > 0 ? " " + scheme.groupSize() : "")
                + (scheme.symmetric() ? "" : " asymmetric");
    }

    private static String sqnr(@Nullable Double db) {
        return db == null ? "" : Double.isInfinite(db) ? "exact" : TextTable.fixed(db);
    }

    /** Five significant digits, the same on every JDK. */
    private static String digits(double number) {
        return new BigDecimal(number).round(new MathContext(5)).toString();
    }
}
