package io.kvscale.job.command;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;
import java.util.Properties;
import picocli.CommandLine.IVersionProvider;

/** The versions that {@code --version} prints. The Spark version is the one that kvscale was built against. */
public final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
        Properties built = built();
        return new String[] {
            "kvscale %s (Spark %s, Java %s)"
                    .formatted(
                            built.getProperty("kvscale"),
                            built.getProperty("spark"),
                            System.getProperty("java.version"))
        };
    }

    /** The version of kvscale itself. */
    static String kvscale() {
        return built().getProperty("kvscale");
    }

    private static Properties built() {
        Properties built = new Properties();
        try (InputStream in = Version.class.getResourceAsStream("version.properties")) {
            built.load(Objects.requireNonNull(in, "version.properties"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return built;
    }
}
