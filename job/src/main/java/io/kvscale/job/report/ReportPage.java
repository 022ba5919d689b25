package io.kvscale.job.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.commons.codec.digest.DigestUtils;

/**
 * Assembles a page from a fixed frame, a style, scripts and data as JSON. Strings of the data never become markup, because
 * the scripts only set text. As a second defense, the page's content security policy allows only the two scripts whose
 * digests it names, and no loading.
 */
final class ReportPage {
    /** The path contains the version of the artifact. */
    private static final String ECHARTS = "/META-INF/resources/webjars/echarts/5.3.1/dist/echarts.min.js";

    private static final Pattern PLACEHOLDER = Pattern.compile("\\{\\{(\\w+)}}");

    private ReportPage() {}

    /**
     * The page, in UTF-8.
     *
     * @param body resource with the HTML inside the frame {@code page.html}
     * @param own resources with the page's scripts, in order
     * @param json the page's data
     */
    static byte[] html(String title, String body, List<String> own, String json) {
        String library = text(ECHARTS);
        StringBuilder joined = new StringBuilder("\"use strict\";\n");
        own.forEach(script -> joined.append(text(script)));
        String scripts = joined.toString();
        Map<String, String> parts = Map.of(
                "title", title,
                "body", text(body),
                "policy", policy(library, scripts),
                "style", text("report.css"),
                "data", inScript(json),
                "library", library,
                "scripts", scripts);
        // One pass over the frame: inserted parts are not searched for placeholders.
        String page = PLACEHOLDER
                .matcher(text("page.html"))
                .replaceAll(place -> Matcher.quoteReplacement(Objects.requireNonNull(parts.get(place.group(1)))));
        return page.getBytes(StandardCharsets.UTF_8);
    }

    /** Escapes JSON so that it cannot end its script element. The escaped characters occur only in strings. */
    static String inScript(String json) {
        return json.replace("<", "\\u003c")
                .replace(">", "\\u003e")
                .replace("&", "\\u0026")
                .replace("\u2028", "\\u2028")
                .replace("\u2029", "\\u2029");
    }

    private static String policy(String... scripts) {
        StringBuilder policy = new StringBuilder("default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
                + " base-uri 'none'; form-action 'none'; script-src");
        for (String script : scripts) {
            policy.append(" 'sha256-").append(digest(script)).append('\'');
        }
        return policy.toString();
    }

    private static String digest(String script) {
        return Base64.getEncoder().encodeToString(DigestUtils.sha256(script));
    }

    private static String text(String resource) {
        try (InputStream in = ReportPage.class.getResourceAsStream(resource)) {
            byte[] bytes = Objects.requireNonNull(in, resource).readAllBytes();
            // A browser computes the digest with lines that end in \n.
            return new String(bytes, StandardCharsets.UTF_8).replace("\r\n", "\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
