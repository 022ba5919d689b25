package io.kvscale.scheme.table;

import com.fasterxml.jackson.core.JsonGenerator;
import io.kvscale.json.Json;
import io.kvscale.scheme.KvCacheScheme;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Writes {@code kv_scales.json}. */
final class ScaleTableWriter {
    static final String FORMAT = "kvscale-scales";
    static final int VERSION = 1;
    static final String MODEL = "model";
    static final String SCALES_SHA256 = "scales_sha256";
    static final String STATISTICS_SHA256 = "statistics_sha256";

    private final ScaleTable table;
    private final JsonGenerator json;

    private ScaleTableWriter(ScaleTable table, JsonGenerator json) {
        this.table = table;
        this.json = json;
    }

    static byte[] write(ScaleTable table) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (JsonGenerator json = Json.indented().createGenerator(out)) {
            new ScaleTableWriter(table, json).write();
        } catch (IOException e) {
            throw new UncheckedIOException("writing to memory does not fail", e);
        }
        out.writeBytes("\n".getBytes(StandardCharsets.US_ASCII));
        return out.toByteArray();
    }

    private void write() throws IOException {
        json.writeStartObject();
        json.writeStringField("format", FORMAT);
        json.writeNumberField("version", VERSION);
        writeIfKnown(MODEL, table.provenance().model());
        json.writeStringField(SCALES_SHA256, table.sha256());
        writeIfKnown(STATISTICS_SHA256, table.provenance().statisticsSha256());
        json.writeObjectField("scheme", KvCacheScheme.fields(table.scheme()));
        ScaleTable.CorpusSummary corpus = table.corpus();
        json.writeObjectFieldStart("corpus");
        json.writeStringField("fingerprint", corpus.fingerprint());
        json.writeNumberField("files", corpus.files());
        json.writeNumberField("samples", corpus.samples());
        json.writeNumberField("tokens", corpus.tokens());
        json.writeNumberField("values", corpus.values());
        json.writeEndObject();
        json.writeArrayFieldStart("layers");
        TreeSet<Integer> layers = new TreeSet<>();
        table.slots().keySet().forEach(slot -> layers.add(slot.layer()));
        for (int layer : layers) {
            json.writeStartObject();
            json.writeNumberField("layer", layer);
            for (Role role : Role.values()) {
                SlotScales slot = table.slots().get(new Slot(layer, role));
                if (slot != null) {
                    json.writeObjectFieldStart(role.word());
                    write(slot);
                    json.writeEndObject();
                }
            }
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    private void writeIfKnown(String field, @Nullable String text) throws IOException {
        if (text != null) {
            json.writeStringField(field, text);
        }
    }

    private void write(SlotScales slot) throws IOException {
        if (!slot.scheme().equals(table.scheme())) {
            json.writeObjectField("scheme", KvCacheScheme.fields(slot.scheme()));
        }
        json.writeStringField("dtype", slot.geometry().dtype().name());
        json.writeNumberField("heads", slot.geometry().heads());
        json.writeNumberField("head_dim", slot.geometry().headDim());
        json.writeFieldName("shape");
        json.writeArray(slot.shape(), 0, slot.shape().length);
        json.writeArrayFieldStart("scale");
        for (float scale : slot.scale()) {
            json.writeNumber(scale);
        }
        json.writeEndArray();
        json.writeArrayFieldStart("zero_point");
        for (float zeroPoint : slot.zeroPoint()) {
            writeZeroPoint(zeroPoint);
        }
        json.writeEndArray();
        json.writeArrayFieldStart("range");
        for (int i = 0; i < slot.rangeMin().length; i++) {
            json.writeStartArray();
            json.writeNumber(slot.rangeMin()[i]);
            json.writeNumber(slot.rangeMax()[i]);
            json.writeEndArray();
        }
        json.writeEndArray();
        json.writeNumberField("min", slot.min());
        json.writeNumberField("max", slot.max());
        json.writeNumberField("count", slot.count());
        json.writeNumberField("nan", slot.nan());
        json.writeNumberField("inf", slot.infinite());
        json.writeStringField("min_sample", slot.minSample());
        json.writeStringField("max_sample", slot.maxSample());
        SlotScales.ErrorSummary error = slot.error();
        if (error != null) {
            write(error);
        }
    }

    private void write(SlotScales.ErrorSummary error) throws IOException {
        json.writeObjectFieldStart("error");
        json.writeNumberField("mse", error.mse());
        if (Double.isInfinite(error.sqnrDb())) {
            json.writeNullField("sqnr_db");
        } else {
            json.writeNumberField("sqnr_db", error.sqnrDb());
        }
        json.writeNumberField("saturated", error.saturated());
        if (error.approximate()) {
            json.writeBooleanField("approximate", true);
        }
        json.writeEndObject();
    }

    private void writeZeroPoint(float zeroPoint) throws IOException {
        boolean whole = zeroPoint == Math.rint(zeroPoint) && Float.floatToRawIntBits(zeroPoint) != 0x80000000;
        if (whole) {
            json.writeNumber((int) zeroPoint);
        } else {
            json.writeNumber(zeroPoint);
        }
    }
}
