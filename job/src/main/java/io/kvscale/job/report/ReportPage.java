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
 * Puts the page together: a fixed frame, its style and scripts, and the data as JSON that nothing executes. No word of the
 * data becomes markup, for scripts set text only; should one do so by mistake, the page's own security policy runs no
 * script but the two whose digests it names, and loads nothing.
 */
final class ReportPage {
    /** A newer artifact has another path. */
    private static final String ECHARTS = "/META-INF/resources/webjars/echarts/5.3.1/dist/echarts.min.js";

    private static final Pattern PLACE = Pattern.compile("\\{\\{(\\w+)}}");

    private ReportPage() {}

    /**
     * The page, in UTF-8.
     *
     * @param title its title
     * @param body the HTML of what it shows, but for what every page has
     * @param own its scripts, run one after another
     * @param json its data
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
        // One pass over the frame alone: a part is never searched for places.
        String page = PLACE.matcher(text("page.html"))
                .replaceAll(place -> Matcher.quoteReplacement(Objects.requireNonNull(parts.get(place.group(1)))));
        return page.getBytes(StandardCharsets.UTF_8);
    }

    /** JSON that can neither end the element that holds it nor begin another: these characters occur in strings only. */
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
            // As a browser reads it: its digest is of lines that end in \n.
            return new String(bytes, StandardCharsets.UTF_8).replace("\r\n", "\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
