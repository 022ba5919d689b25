package io.kvscale.quant.search;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.IntegerGrid;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.Range;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.scheme.Observer;
import io.kvscale.scheme.Observers;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SchemeText;
import io.kvscale.scheme.Strategy;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ObserversTest {
    /** An observer as CONTRIBUTING describes it: one class and one line in the service file. */
    public record Unchanged() implements RangeRule {
        @Override
        public String word() {
            return "unchanged";
        }

        @Override
        public Range[] ranges(SlotStatistics statistics, QuantizationScheme scheme, Dtype step, IntegerGrid grid) {
            return statistics.ranges(scheme.channelsPerScale(statistics.geometry()));
        }
    }

    @Test
    void aNewObserverNeedsOneClassAndOneLine(@TempDir Path folder) throws Exception {
        Path services = Files.createDirectories(folder.resolve("META-INF/services"));
        Files.writeString(services.resolve(Observer.class.getName()), Unchanged.class.getName());
        List<URL> urls = new ArrayList<>(List.of(folder.toUri().toURL()));
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
            urls.add(Path.of(entry).toUri().toURL());
        }
        try (URLClassLoader loader =
                new URLClassLoader(urls.toArray(URL[]::new), ClassLoader.getPlatformClassLoader())) {
            Object scheme = loader.loadClass(SchemeText.class.getName())
                    .getMethod("parse", String.class)
                    .invoke(null, "{num_bits: 8, type: float, observer: unchanged}");
            assertThat(scheme.toString()).contains("Unchanged[]");
        }
    }

    @Test
    void wordsComeInTheOrderOfTheServiceFile() {
        assertThat(Observers.all())
                .extracting(Observer::word)
                .startsWith("static_minmax", "minmax", "memoryless_minmax", "mse", "percentile", "entropy");
        assertThat(Observers.named("Memoryless_MSE")).isEqualTo(new Mse());
        assertThat(Observers.byDefault()).isEqualTo(new StaticMinMax());
    }

    @ParameterizedTest
    @MethodSource("io.kvscale.scheme.Observers#all")
    void aSchemeIsEqualAfterSerialization(Observer observer) throws IOException, ClassNotFoundException {
        QuantizationScheme scheme = QuantizationScheme.of(NumberFormat.INT8, Strategy.TENSOR, true, observer);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(scheme);
        }
        Object back = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray())).readObject();
        assertThat(back).isEqualTo(scheme).hasSameHashCodeAs(scheme);
    }
}
