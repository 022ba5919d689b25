package io.kvscale.job.target;

import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.Slot;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Writes the text that LMDeploy 0.16 reads on Ascend from {@code ASCEND_QUANT_RECORD_FILE}: a line {@code scale: S offset: 0}
 * for K and one for V of each layer ({@code dlinfer/ascend/op_backend.py}). It takes the lines in order, and refuses a number
 * of lines other than one or two for each layer with a cache. Its pattern for S is {@code [\d.\-]+}, without exponents.
 */
public final class LmDeployAscendExporter implements ScaleExporter {
    private static final String FILE = "kv_cache_scales.txt";

    /** 17 significant digits give the same f64, and so the same f32. */
    private static final MathContext DIGITS = new MathContext(17);

    @Override
    public String target() {
        return "lmdeploy-ascend";
    }

    @Override
    public String engine() {
        return "LMDeploy on Ascend";
    }

    @Override
    public String summary() {
        return "int8 by tensor";
    }

    @Override
    public Set<String> files() {
        return Set.of(FILE);
    }

    @Override
    public @Nullable String refusal(SortedMap<Slot, QuantizationScheme> schemes, QuantizationScheme common) {
        String unfit = SlotNeeds.unfit(
                schemes,
                scheme -> scheme.format() == NumberFormat.INT8
                        && scheme.symmetric()
                        && scheme.strategy() == Strategy.TENSOR,
                engine() + " loads only symmetric int8 scales by tensor");
        return unfit != null ? unfit : SlotNeeds.unpaired(schemes, "the file has K and V of every layer");
    }

    @Override
    public SortedMap<String, byte[]> export(ScaleTable table, AttentionNames names) {
        StringBuilder text = new StringBuilder();
        table.slots()
                .values()
                .forEach(scales -> text.append("scale: ")
                        .append(new BigDecimal(scales.scale()[0])
                                .round(DIGITS)
                                .stripTrailingZeros()
                                .toPlainString())
                        .append(" offset: 0\n"));
        return new TreeMap<>(Map.of(FILE, text.toString().getBytes(StandardCharsets.US_ASCII)));
    }

    @Override
    public List<String> notes(ScaleTable table) {
        long layers = table.slots().size() / 2;
        return List.of(
                "name the absolute path of " + FILE + " in the environment variable ASCEND_QUANT_RECORD_FILE, and start"
                        + " LMDeploy with --device ascend --quant-policy 8 --eager-mode: its graph mode does not read it",
                "LMDeploy takes the lines in order and rounds the scales to the model's dtype: the model must have exactly "
                        + layers + (layers == 1 ? " layer" : " layers") + " with a KV cache");
    }
}
