package io.kvscale.job;

import org.apache.logging.log4j.core.LoggerContext;
import org.apache.logging.log4j.core.config.ConfigurationSource;
import org.apache.logging.log4j.core.config.properties.PropertiesConfiguration;
import org.apache.logging.log4j.core.config.properties.PropertiesConfigurationFactory;

/**
 * Reads {@code log4j2.properties} for the launcher. Sets Log4j's property {@code hostName} before Log4j asks DNS for this
 * machine's name to fill it; a property in the file is read too late.
 */
public final class LogConfigurationFactory extends PropertiesConfigurationFactory {
    @Override
    public PropertiesConfiguration getConfiguration(LoggerContext context, ConfigurationSource source) {
        PropertiesConfiguration configuration = super.getConfiguration(context, source);
        configuration.getProperties().put("hostName", "localhost");
        return configuration;
    }
}
