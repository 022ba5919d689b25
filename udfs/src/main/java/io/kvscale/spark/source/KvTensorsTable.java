package io.kvscale.spark.source;

import io.kvscale.spark.sql.SparkErrors;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.catalog.Column;
import org.apache.spark.sql.connector.catalog.SupportsRead;
import org.apache.spark.sql.connector.catalog.TableCapability;
import org.apache.spark.sql.connector.read.ScanBuilder;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/** The captures of the given paths, as a table. */
final class KvTensorsTable implements SupportsRead {
    private final Map<String, String> properties;
    private final SourceOptions options;

    KvTensorsTable(Map<String, String> properties) {
        this.properties = Map.copyOf(properties);
        this.options = SparkErrors.translate(() -> SourceOptions.of(properties));
    }

    @Override
    public String name() {
        return KvTensorsSource.NAME + " " + String.join(", ", options.paths());
    }

    @Override
    public Column[] columns() {
        return Arrays.stream(KvColumn.schema().fields())
                .map(f -> Column.create(
                        f.name(), f.dataType(), f.nullable(), f.getComment().get(), null))
                .toArray(Column[]::new);
    }

    @Override
    public Set<TableCapability> capabilities() {
        return Set.of(TableCapability.BATCH_READ);
    }

    @Override
    public ScanBuilder newScanBuilder(CaseInsensitiveStringMap options) {
        Map<String, String> all = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        all.putAll(properties);
        all.putAll(options.asCaseSensitiveMap());
        return new KvTensorsScanBuilder(SparkErrors.translate(() -> SourceOptions.of(all)
                .withModel(SparkSession.active().sessionState().newHadoopConf())));
    }
}
