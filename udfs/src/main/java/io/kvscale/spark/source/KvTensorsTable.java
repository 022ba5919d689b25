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
    private final String name;

    /** Checks options only if they are not those of a table in a catalog: such a table can be dropped, whatever they are. */
    KvTensorsTable(Map<String, String> properties) {
        this.properties = SourceOptions.among(properties);
        this.name = SourceOptions.isCatalogTable(properties)
                ? properties.getOrDefault("path", "")
                : String.join(
                        ", ",
                        SparkErrors.translate(() -> SourceOptions.of(this.properties))
                                .paths());
    }

    @Override
    public String name() {
        return KvTensorsSource.NAME + " " + name;
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
