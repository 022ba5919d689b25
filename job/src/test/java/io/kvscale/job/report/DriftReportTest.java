package io.kvscale.job.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class DriftReportTest {
    @Test
    void namesDoNotBecomeMarkup() {
        String name = "</script><img src=x onerror=owned=1>\\u2028'&amp;<!--\\u202e{{scripts}}$0";
        String json = "{\"from\": \"" + name + "\", \"to\": \"b\", \"scales\": \"" + name
                + "\", \"drifted\": false, \"summary\": \"a summary\", \"layers\": []}";
        String page = new String(DriftReport.html(json, "1.2.3"), StandardCharsets.UTF_8);
        ReportTest.checkOnlyItsOwnScripts(page);
        assertThat(page.replaceAll("(?s)<script>.*?</script>", ""))
                .doesNotContain("<img", "onerror=owned=1>", "&amp;", "\u2028'", "<!--\u202e");
        assertThat(ReportTest.data(page).get("drift").get("from").asText())
                .startsWith("</script><img src=x onerror=owned=1>\\u2028")
                .contains("{{scripts}}$0");
    }
}
