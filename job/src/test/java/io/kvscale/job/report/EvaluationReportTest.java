package io.kvscale.job.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class EvaluationReportTest {
    private static final String SCHEME = "\"scheme\": {\"num_bits\": 8, \"type\": \"int\", \"strategy\": \"channel\","
            + " \"group_size\": null, \"symmetric\": true, \"observer\": \"static_minmax\", \"observer_kwargs\": {},"
            + " \"scale_dtype\": \"float32\"}";

    @Test
    void thePageHasTheExactNumbers() {
        JsonNode data = ReportTest.data(page("out/int8"));
        assertThat(data.get("version").asText()).isEqualTo("1.2.3");
        JsonNode evaluation = data.get("evaluation");
        assertThat(evaluation.get("baseline").get("perplexity").asDouble()).isEqualTo(20.123456789012345);
        JsonNode scheme = evaluation.get("schemes").get(0);
        assertThat(scheme.get("scales").asText()).isEqualTo("out/int8");
        assertThat(scheme.get("kl").asDouble()).isEqualTo(0.1 + 0.2);
        assertThat(scheme.get("scheme").get("format").asText()).isEqualTo("int8");
        assertThat(scheme.get("scheme").get("fields").get("strategy").asText()).isEqualTo("channel");
        assertThat(scheme.get("layers").get(0).get("key_sqnr_db").isNull()).isTrue();
    }

    @Test
    void namesDoNotBecomeMarkup() {
        String page = page("</script><img src=x onerror=owned=1>\\u2028'&amp;<!--\\u202e{{scripts}}$0");
        ReportTest.checkOnlyItsOwnScripts(page);
        assertThat(page.replaceAll("(?s)<script>.*?</script>", ""))
                .doesNotContain("<img", "onerror=owned=1>", "&amp;", "\u2028'", "<!--\u202e");
        assertThat(ReportTest.data(page)
                        .get("evaluation")
                        .get("schemes")
                        .get(0)
                        .get("scales")
                        .asText())
                .startsWith("</script><img src=x onerror=owned=1>\\u2028")
                .contains("{{scripts}}$0");
    }

    private static String page(String name) {
        String json = "{\"samples\": 2, \"tokens\": 9, \"predicted_tokens\": 7, \"chunk\": 16, \"residual_length\": 0,"
                + " \"baseline\": {\"perplexity\": 20.123456789012345}, \"schemes\": [{\"scales\": \"" + name + "\", "
                + SCHEME + ", \"perplexity\": 21.5, \"kl\": 0.30000000000000004, \"top1\": 0.75, \"layers\": ["
                + "{\"layer\": 0, \"key_sqnr_db\": null, \"value_sqnr_db\": 31.5}]}]}";
        return new String(
                EvaluationReport.html(json.getBytes(StandardCharsets.UTF_8), "1.2.3"), StandardCharsets.UTF_8);
    }
}
