package io.kvscale.spark.source;

import java.util.Map;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableProvider;
import org.apache.spark.sql.connector.expressions.Transform;
import org.apache.spark.sql.sources.DataSourceRegister;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/**
 * {@code spark.read.format("kvtensors").load(path)}, {@code CREATE TABLE t USING kvtensors OPTIONS (path '/…')}: captures
 * of K and V as rows of {@link KvColumn}s, one a sample, layer and role. (Spark takes a table's relative path from its
 * warehouse, a temporary view's from where it runs.)
 *
 * <p>Options have the names of the recipe's keys below {@code kvscale}; {@link SourceOptions} lists them.
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

    /** @throws org.apache.spark.SparkRuntimeException for an option that cannot be used, with the remedy */
    @Override
    public Table getTable(StructType schema, Transform[] partitioning, Map<String, String> properties) {
        return new KvTensorsTable(properties);
    }
}
