package io.kvscale.spark.source;

import java.util.Map;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableProvider;
import org.apache.spark.sql.connector.expressions.Transform;
import org.apache.spark.sql.sources.DataSourceRegister;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/**
 * The {@code kvtensors} data source: {@code spark.read.format("kvtensors").load(path)} or {@code CREATE TABLE t USING
 * kvtensors OPTIONS (path '/…')}. Rows have the columns of {@link KvColumn}; {@link SourceOptions} lists the options.
 *
 * <p>Spark resolves a relative path of a table against its warehouse, and that of a temporary view against the current
 * folder.
 */
public final class KvTensorsSource implements TableProvider, DataSourceRegister {
    static final String NAME = "kvtensors";

    @Override
    public String shortName() {
        return NAME;
    }

    @Override
    public StructType inferSchema(CaseInsensitiveStringMap options) {
        return KvColumn.schema();
    }

    /** @throws org.apache.spark.SparkRuntimeException for a bad option, with the remedy */
    @Override
    public Table getTable(StructType schema, Transform[] partitioning, Map<String, String> properties) {
        return new KvTensorsTable(properties);
    }
}
